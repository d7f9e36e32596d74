import { isTimeZone } from '../../domain/timeZone.ts';
import { type LocalTime, resolveLocalTime } from '../../timeZones.ts';
import { invalidRequest } from '../problem.ts';

/** How far ahead a post may be planned: nobody knows the clocks, or the platforms, of later. */
const MAX_DAYS_AHEAD = 365;

const DAY_MS = 24 * 3600 * 1000;

export const TIME_FORM =
  'must be a time of RFC 3339, such as 2026-12-24T18:00:00Z, with or without an offset, or "auto"';

/** With capitals and whole minutes at least, as all instants of the API; an offset may be left out. */
const FORM =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/;

interface GivenTime {
  local: LocalTime;
  /** What the offset adds to UTC; null: there is none. */
  offsetMinutes: number | null;
}

function readOffset(offset: string | undefined): number | null {
  if (offset === undefined) return null;
  if (offset === 'Z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4));
  return offset.startsWith('-') ? -minutes : minutes;
}

/** Gives the same clock time as if it were UTC's. */
function toUtcMs({ year, month, day, hour, minute, second, millisecond }: LocalTime): number {
  const time = new Date(Date.UTC(2000, month - 1, day, hour, minute, second, millisecond));
  // Date.UTC takes years below 100 for those of the last century.
  return time.setUTCFullYear(year, month - 1, day);
}

/** Gives a time that was written down, or null where it is none: what there is no such day of included. */
function parseTime(given: string): GivenTime | null {
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = FORM.exec(given) ?? [];
  if (year === undefined) return null;
  const local = {
    ...{ year: Number(year), month: Number(month), day: Number(day) },
    ...{ hour: Number(hour), minute: Number(minute), second: Number(second) },
    // Cut, not rounded: a time is never later than it says.
    millisecond: Number(fraction.slice(0, 3).padEnd(3, '0')),
  };
  const date = new Date(toUtcMs(local));
  const isThere = date.getUTCMonth() + 1 === local.month && date.getUTCDate() === local.day;
  return isThere ? { local, offsetMinutes: readOffset(offset) } : null;
}

/** Says whether a text is a time, of whatever zone. */
export const isReadableTime = (given: string): boolean => parseTime(given) !== null;

/** Gives a time as it was written down, where it has no offset; null where it has one: then it is an instant. */
export const readWallTime = (given: string): string | null =>
  parseTime(given)?.offsetMinutes === null ? given.slice(0, '2026-12-24T18:00:00'.length) : null;

/**
 * Gives the instant that a time means, in the account's zone where it has no offset: in a gap it moves forward by as
 * much as the clocks do, in an overlap it is the first of the two.
 *
 * @throws HttpProblem `invalid_request`: it is no time, is one of a zone that is not known here (any more), is over, or
 *   is too far ahead
 */
export function readTime(given: string, timeZone: string, nowMs: number): Date {
  const time = parseTime(given);
  if (!time) throw wrongTime(TIME_FORM);
  const { local, offsetMinutes } = time;
  if (offsetMinutes === null && !isTimeZone(timeZone))
    throw wrongTime("the account's zone is not known here; give the time an offset");
  const at =
    offsetMinutes === null
      ? resolveLocalTime(local, timeZone)
      : new Date(toUtcMs(local) - offsetMinutes * 60_000);
  if (at.getTime() < nowMs) throw wrongTime('lies in the past; to post at once give null');
  if (at.getTime() > nowMs + MAX_DAYS_AHEAD * DAY_MS)
    throw wrongTime(`must be at most ${MAX_DAYS_AHEAD} days ahead`);
  return at;
}

const wrongTime = (message: string) => invalidRequest([{ path: 'scheduled_at', message }]);
