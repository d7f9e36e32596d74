/** Times as WebVTT and SubRip write them, and as people do. */
import { roundToMs } from '../roundToMs.ts';

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** Gives milliseconds as `HH:MM:SS.mmm`, with `.` or `,`; hours may have more than two digits. */
export function formatTimestamp(timeMs: number, point: '.' | ','): string {
  const [sec, ms] = [Math.floor(timeMs / 1000), timeMs % 1000];
  const clock = [Math.floor(sec / 3600), Math.floor(sec / 60) % 60, sec % 60];
  return `${clock.map((part) => pad(part, 2)).join(':')}${point}${pad(ms, 3)}`;
}

/** Hours may be left out, a digit too, and the decimals; both kinds of point are taken in both formats. */
const TIME = '(?:(\\d{1,4}):)?([0-5]?\\d):([0-5]?\\d)(?:[.,](\\d{1,9}))?';
const TIMING = new RegExp(`^\\s*${TIME}\\s*-->\\s*${TIME}(?:\\s.*)?$`, 'u');

const toSec = ([hours = '0', minutes = '0', seconds = '0', decimals = '0']: (string | undefined)[]): number =>
  Number(hours) * 3600 + Number(minutes) * 60 + roundToMs(Number(`${seconds}.${decimals}`));

/** Reads the line that says when a cue is shown; its settings are passed over. @returns null when it is no such line */
export function parseTiming(line: string): { startSec: number; endSec: number } | null {
  const parts = TIMING.exec(line);
  return parts && { startSec: toSec(parts.slice(1, 5)), endSec: toSec(parts.slice(5, 9)) };
}
