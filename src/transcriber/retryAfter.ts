/** Nobody is waited for longer than for our own outside; a figure beyond it is a mistake over there. */
const LONGEST_MS = 24 * 3600 * 1000;

const isWait = (ms: number): boolean => Number.isFinite(ms) && ms > 0;

const asNumber = (text: string | null): number =>
  text === null || text.trim() === '' ? Number.NaN : Number(text);

/**
 * Reads how long a server asks to be left alone: `retry-after-ms` (OpenAI's own), else `Retry-After` as seconds or as
 * a date (RFC 9110, 10.2.3).
 *
 * @returns milliseconds, a day at most; null when it does not ask, or not in a way that can be understood
 */
export function readRetryAfter(headers: Pick<Headers, 'get'>, nowMs: number): number | null {
  const text = headers.get('retry-after');
  const waits = [
    asNumber(headers.get('retry-after-ms')),
    asNumber(text) * 1000,
    text === null ? Number.NaN : Date.parse(text) - nowMs,
  ];
  const wait = waits.find(isWait);
  return wait === undefined ? null : Math.min(Math.ceil(wait), LONGEST_MS);
}
