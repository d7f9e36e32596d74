const CLOCK = /^(\d{1,3}):([0-5]?\d):([0-5]?\d(?:\.\d{1,6})?)$/;
const PLAIN = /^\d{1,7}(?:\.\d{1,6})?$/;

/**
 * Reads a time within a video: seconds as a number or text, or `HH:MM:SS.mmm`.
 *
 * @returns seconds; null for anything else, for what is negative and for what is no number
 */
export function parseTimecode(time: unknown): number | null {
  if (typeof time === 'number') return Number.isFinite(time) && time >= 0 ? time : null;
  if (typeof time !== 'string') return null;
  if (PLAIN.test(time)) return Number(time);
  const [, hours, minutes, seconds] = CLOCK.exec(time) ?? [];
  return seconds === undefined ? null : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
