import type { Context } from 'koa';
import { HttpProblem } from '../problem.ts';
import { readBodyChunks } from '../uploads/bodyChunks.ts';

/** More than the words of a day take. */
export const MAX_BYTES = 2 * 1024 * 1024;
/** In JSON each word has two times: what six hours of speech take. */
export const MAX_JSON_BYTES = 6 * 1024 * 1024;

/** A body of this size takes no honest client longer; one that trickles only holds a connection. */
const DEADLINE_MS = 30_000;

const tooLarge = (maxBytes: number) => {
  const headers = { Connection: 'close' };
  return new HttpProblem('too_large', `The body may have ${maxBytes} bytes at most`, { headers });
};

/**
 * Reads a body that is text, in the charset that it names, or else in UTF-8 or what its byte order mark says.
 *
 * @throws HttpProblem `too_large`, `unsupported_media_type`, `invalid_body`, `request_timeout`, `upload_aborted`
 */
export async function readText(ctx: Context, maxBytes: number): Promise<string> {
  const encoding = ctx.get('Content-Encoding');
  if (encoding !== '' && encoding !== 'identity') {
    throw new HttpProblem('unsupported_media_type', 'A Content-Encoding is not taken here');
  }
  if ((ctx.request.length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return decode(await readBytes(ctx, maxBytes), ctx.request.charset);
}

async function readBytes(ctx: Context, maxBytes: number): Promise<Buffer> {
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort(new HttpProblem('request_timeout', undefined, { headers: { Connection: 'close' } }));
  }, DEADLINE_MS);
  try {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of readBodyChunks(ctx.req, { stop: stop.signal })) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
  }
}

/** Programs of Windows write UTF-16, and say so by the first two bytes. */
function markOf(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
}

function decode(bytes: Buffer, charset: string): string {
  const decoder = decoderOf(markOf(bytes) ?? (charset || 'utf-8'));
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const detail = 'The body is no UTF-8; name its charset in Content-Type';
    throw new HttpProblem('invalid_body', charset ? undefined : detail, { cause });
  }
}

function decoderOf(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    throw new HttpProblem('unsupported_media_type', 'The charset is not one that is known here', { cause });
  }
}
