/**
 * The calendar of the IANA zones, by the data that Node has of them: what a wall clock shows at an instant, and when it
 * shows what. Of wall times that do not exist and of those that exist twice it makes what Temporal calls `compatible`,
 * as RFC 5545 does (§3.3.5): one in a gap moves forward by the length of the gap, of two the first is meant.
 * https://tc39.es/proposal-temporal/docs/timezone.html#ambiguity-due-to-dst-or-other-time-zone-offset-changes
 */
import { Temporal } from 'temporal-polyfill';
import type { DayStretch, ZoneCalendar } from './domain/zoneCalendar.ts';

/** The edition of the IANA database that all of this goes by, such as `2026a`. */
export const TZ_VERSION = process.versions.tz ?? 'unknown';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The time between two changes of a zone's offset; with the offset before. */
interface Era {
  fromMs: number;
  untilMs: number;
  offsetMs: number;
  offsetBeforeMs: number;
}

const offsetMsOf = (time: Temporal.ZonedDateTime): number => time.offsetNanoseconds / 1e6;

function readEra(timeZone: string, atMs: number): Era {
  const time = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone);
  // The change at the very instant is the one before it.
  const from = time.add({ milliseconds: 1 }).getTimeZoneTransition('previous');
  const until = time.getTimeZoneTransition('next');
  const offsetMs = offsetMsOf(time);
  return {
    offsetMs,
    fromMs: from?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    untilMs: until?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offsetBeforeMs: from ? offsetMsOf(from.subtract({ milliseconds: 1 })) : offsetMs,
  };
}

/** Up to where wall times are those of the era before: what exists twice is meant the first time, what does not exist moves. */
const wallFromMs = ({ fromMs, offsetMs, offsetBeforeMs }: Era): number =>
  fromMs + Math.max(offsetMs, offsetBeforeMs);

/** Gives the stretches of one local day; `eras` are all that it has a part of, in their order. */
function stretchesOf(day: number, eras: readonly Era[]): DayStretch[] {
  const [midnightMs, endMs] = [day * DAY_MS, (day + 1) * DAY_MS];
  return eras.flatMap((era, at) => {
    const next = eras[at + 1];
    const fromMs = Math.max(midnightMs, wallFromMs(era));
    const untilMs = Math.min(endMs, next ? wallFromMs(next) : endMs);
    // Where the next change leaves a gap: from there on they move.
    const gapMs = Math.max(fromMs, next ? next.fromMs + era.offsetMs : untilMs);
    const isGap = next !== undefined && next.offsetMs > era.offsetMs && gapMs < untilMs;
    const stretch = (wallMs: number, movedMs: number): DayStretch => ({
      fromMinute: (wallMs - midnightMs) / MINUTE_MS,
      atMs: wallMs - era.offsetMs,
      movedMinutes: movedMs / MINUTE_MS,
    });
    return [
      ...(fromMs < (isGap ? gapMs : untilMs) ? [stretch(fromMs, 0)] : []),
      ...(isGap ? [stretch(gapMs, next.offsetMs - era.offsetMs)] : []),
    ];
  });
}

/**
 * Gives the calendar of a zone; keep it for one piece of work only, it remembers what it was asked.
 *
 * @throws RangeError when there is no such zone
 */
export function createZoneCalendar(timeZone: string): ZoneCalendar {
  const known: Era[] = [];
  const eraAt = (atMs: number): Era => {
    const found = known.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
    if (found) return found;
    const era = readEra(timeZone, atMs);
    known.push(era);
    return era;
  };
  return {
    wallTimeAt: (atMs) => {
      const wallMs = atMs + eraAt(atMs).offsetMs;
      const day = Math.floor(wallMs / DAY_MS);
      return { day, minute: Math.floor((wallMs - day * DAY_MS) / MINUTE_MS) };
    },
    stretchesOf: (day) => {
      // No zone is more than a day away from UTC.
      const eras = [eraAt((day - 1) * DAY_MS)];
      for (let { untilMs } = eras[0] as Era; untilMs < (day + 2) * DAY_MS; ) {
        const era = eraAt(untilMs);
        eras.push(era);
        untilMs = era.untilMs;
      }
      return stretchesOf(day, eras);
    },
  };
}

/** What a wall clock shows, to the millisecond. */
export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
}

/**
 * Gives the instant at which the clocks of a zone show a time. One that they skip is later by what they skip; of one
 * that they show twice the first is meant.
 *
 * @throws RangeError when there is no such zone, or no such date
 */
export function resolveLocalTime(local: LocalTime, timeZone: string): Date {
  const time = Temporal.PlainDateTime.from({ ...local }, { overflow: 'reject' });
  return new Date(time.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds);
}
