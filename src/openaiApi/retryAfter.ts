import { boundWait, readRetryAfter } from '../domain/retryAfter.ts';

/**
 * Reads how long a service asks to be left alone: `retry-after-ms` (OpenAI's own), else `Retry-After`.
 *
 * @returns milliseconds, a day at most; null when it does not ask, or not in a way that can be understood
 */
export function readWait(headers: Pick<Headers, 'get'>, nowMs: number): number | null {
  const ms = boundWait(Number(headers.get('retry-after-ms') ?? Number.NaN));
  return ms ?? readRetryAfter(headers.get('retry-after'), nowMs);
}
