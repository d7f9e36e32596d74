/** Nobody is waited for longer than for our own outside; a figure beyond it is a mistake over there. */
const LONGEST_WAIT_MS = 24 * 3600 * 1000;

/**
 * Gives a wait that somebody else asks for as one that we can keep: whole milliseconds above zero.
 *
 * @returns null for what is none, such as 0 and Infinity
 */
export const boundWait = (ms: number, longestMs = LONGEST_WAIT_MS): number | null =>
  Number.isFinite(ms) && ms > 0 ? Math.min(Math.ceil(ms), longestMs) : null;

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3): seconds, also with a fraction, or a date.
 *
 * @returns milliseconds; null when it asks for no waiting, or not in a way that can be understood
 */
export function readRetryAfter(
  value: string | null | undefined,
  nowMs: number,
  longestMs = LONGEST_WAIT_MS,
): number | null {
  const text = value?.trim() ?? '';
  if (text === '') return null;
  const sec = Number(text);
  return boundWait(Number.isNaN(sec) ? Date.parse(text) - nowMs : sec * 1000, longestMs);
}
