import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { StorageUnavailableError } from '../../errors.ts';
import { HttpProblem } from '../problem.ts';

/** A disk that takes nothing for so long hangs. */
const STUCK_MS = 120_000;

export interface Patience {
  /** Aborted when nobody waits for the upload any more. */
  gone: AbortSignal;
  stuckMs?: number;
}

/** Gives a signal that is aborted, with `upload_aborted`, when an answer is over or its connection closes. */
export function watchConnection(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  // The request would not tell: it is closed as soon as its whole body has arrived.
  response.once('close', () => gone.abort(new HttpProblem('upload_aborted')));
  return gone.signal;
}

/**
 * Waits for `drain` or `close` of a stream that takes up received bytes. Meanwhile nobody reads the body, so
 * nobody else would notice that the client left; a connection with unread bytes does not tell even that.
 *
 * @throws what `gone` was aborted with; StorageUnavailableError when nothing moves; errors of the stream
 */
export async function untilTakenUp(
  stream: Writable,
  event: 'drain' | 'close',
  patience: Patience,
): Promise<void> {
  patience.gone.throwIfAborted();
  await inPatience(once(stream, event, { signal: patience.gone }), patience);
}

/**
 * Waits for work on received bytes for as long as that makes sense.
 *
 * @throws what `gone` was aborted with; StorageUnavailableError when it takes too long; errors of the work
 */
export async function inPatience<T>(work: Promise<T>, { gone, stuckMs = STUCK_MS }: Patience): Promise<T> {
  // Whoever has stopped waiting does not hear it fail.
  work.catch(() => {});
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const leave = () => reject(gone.reason);
  if (gone.aborted) leave();
  gone.addEventListener('abort', leave, { once: true });
  const timer = setTimeout(
    () => reject(new StorageUnavailableError('The storage takes up no more bytes right now')),
    stuckMs,
  );
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    throw gone.aborted ? gone.reason : error;
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', leave);
  }
}
