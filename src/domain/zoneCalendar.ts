/** Wall clocks: what rules about local times ask of a zone. */
import { WEEKDAYS, type Weekday } from './account.ts';

/** What a wall clock shows. */
export interface WallTime {
  /** Days since 1970-01-01. */
  day: number;
  /** Minutes since midnight. */
  minute: number;
}

/** Minutes of a local day that follow one another as time does, from `fromMinute` up to the next stretch. */
export interface DayStretch {
  fromMinute: number;
  /** When that minute is. */
  atMs: number;
  /** By how much these minutes are moved forward, since clocks do not show them; 0 for those that they do. */
  movedMinutes: number;
}

/** The clocks of one zone. */
export interface ZoneCalendar {
  wallTimeAt(atMs: number): WallTime;
  /** The stretches of a local day, in the order of its minutes; together they are all 1440. */
  stretchesOf(day: number): readonly DayStretch[];
}

export const MINUTES_OF_DAY = 24 * 60;

/** Thursday, of which day 0 was one. */
const FIRST_WEEKDAY = WEEKDAYS.indexOf('thu');

export function weekdayOf(day: number): Weekday {
  const at = (((day + FIRST_WEEKDAY) % WEEKDAYS.length) + WEEKDAYS.length) % WEEKDAYS.length;
  return WEEKDAYS[at] as Weekday;
}

/** Gives a wall time as `2027-03-28T09:00`. */
export const toLocalText = ({ day, minute }: WallTime): string =>
  new Date((day * MINUTES_OF_DAY + minute) * 60_000).toISOString().slice(0, 16);
