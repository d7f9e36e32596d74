import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { HttpProblem } from '../problem.ts';
import type { ChunkMemory } from './chunkMemory.ts';

/** A client that sends nothing for so long is gone; one that is slow may take hours. */
const IDLE_MS = 120_000;
/** How long a client that was refused in mid-send may go on sending, so that it comes to read the answer. */
const LINGER_MS = 30_000;

export interface BodyOptions {
  /** Gets every chunk to take care of. */
  memory?: ChunkMemory;
  idleMs?: number;
  /** Ends the reading with its reason, even while nothing comes. The answer must close the connection then. */
  stop?: AbortSignal;
}

/**
 * The body of a request as it arrives. Whoever leaves early can still answer: the connection stays open
 * and the rest is thrown away.
 *
 * @throws HttpProblem `upload_aborted` when the client goes away or falls silent; what `stop` was aborted with
 */
export async function* readBodyChunks(
  request: IncomingMessage,
  { memory, idleMs = IDLE_MS, stop }: BodyOptions = {},
): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const silence = setTimeout(() => request.destroy(new Error('the client fell silent')), idleMs);
      const { done, value } = await nextUnless(stop, chunks).finally(() => clearTimeout(silence));
      if (done) return;
      memory?.lend(value);
      yield value as Buffer;
    }
  } catch (cause) {
    if (stop?.aborted) throw stop.reason;
    throw new HttpProblem('upload_aborted', undefined, { cause });
  } finally {
    // The end of an iterator waits for what it was asked before, which may never come.
    if (stop?.aborted) void chunks.return?.(undefined);
    else await chunks.return?.(undefined);
    discardRest(request);
  }
}

function nextUnless(stop: AbortSignal | undefined, chunks: AsyncIterator<Buffer>) {
  if (!stop) return chunks.next();
  return new Promise<IteratorResult<Buffer>>((resolve, reject) => {
    const leave = () => reject(stop.reason);
    stop.addEventListener('abort', leave, { once: true });
    chunks
      .next()
      .then(resolve, reject)
      .finally(() => stop.removeEventListener('abort', leave));
  });
}

/**
 * Refuses a body by its announced length, before any of it is read.
 *
 * @throws HttpProblem `too_large`
 */
export function assertLengthWithin(ctx: Context, maxBytes: number): void {
  if ((ctx.request.length ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

export const tooLarge = (maxBytes: number): HttpProblem =>
  new HttpProblem('too_large', `A video may have ${maxBytes} bytes at most`);

/**
 * Throws away what a refused client still sends, for a while: closing the connection at once would
 * reset it, and the client might never see why it was refused.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), LINGER_MS).unref();
  request
    .on('error', () => {})
    .on('close', () => clearTimeout(timer))
    .resume();
}
