/** The wall times at which an account may post by itself, as instants. */
import type { Autoposting } from './account.ts';
import { MINUTES_OF_DAY, type WallTime, weekdayOf, type ZoneCalendar } from './zoneCalendar.ts';

const MINUTE_MS = 60_000;

/** Which minutes of which days. */
export type SlotGrid = Pick<Autoposting, 'startMinute' | 'endMinute' | 'intervalMinutes' | 'days'>;

export interface SlotTime {
  atMs: number;
  /** What clocks should have shown then, had they not skipped it; null where they show what they should. */
  movedFrom: WallTime | null;
}

/**
 * Gives the times of a grid from an instant up to another, both included, in their order and each once. What clocks skip
 * is moved forward; of what they show twice it is the first. Nothing is worked out much before it is asked for.
 */
export function* listSlotTimes(
  grid: SlotGrid,
  calendar: ZoneCalendar,
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
): Generator<SlotTime> {
  const isBetween = ({ atMs }: SlotTime) => atMs >= fromMs && atMs <= untilMs;
  // Windows begin a day earlier where they are overnight, and clocks have skipped a whole day.
  const firstDay = calendar.wallTimeAt(fromMs).day - 2;
  const lastDay = calendar.wallTimeAt(untilMs).day + 1;
  let held: SlotTime[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    if (!grid.days.includes(weekdayOf(day))) continue;
    const window = timesOfWindow(grid, calendar, day);
    // What was moved may come after the next window has begun, but nothing of a window before one that began earlier.
    const beginMs = window[0]?.atMs ?? Number.NEGATIVE_INFINITY;
    yield* held.filter((time) => time.atMs < beginMs && isBetween(time));
    const later = held.filter(({ atMs }) => atMs >= beginMs);
    held = later.length === 0 ? window : inOrder([...later, ...window]);
  }
  yield* held.filter(isBetween);
}

/** Gives the times of the window that begins on a day. */
function timesOfWindow(grid: SlotGrid, calendar: ZoneCalendar, day: number): SlotTime[] {
  const { startMinute, endMinute, intervalMinutes } = grid;
  const lastMinute = endMinute < startMinute ? endMinute + MINUTES_OF_DAY : endMinute;
  const stretches = [day, day + 1].flatMap((each) =>
    calendar.stretchesOf(each).map((stretch) => ({
      ...stretch,
      fromMinute: stretch.fromMinute + (each - day) * MINUTES_OF_DAY,
    })),
  );
  const times: SlotTime[] = [];
  for (let minute = startMinute, at = 0; minute <= lastMinute; minute += intervalMinutes) {
    while ((stretches[at + 1]?.fromMinute ?? Number.POSITIVE_INFINITY) <= minute) at++;
    const stretch = stretches[at];
    if (!stretch) break;
    const wallTime = { day: day + Math.floor(minute / MINUTES_OF_DAY), minute: minute % MINUTES_OF_DAY };
    times.push({
      atMs: stretch.atMs + (minute - stretch.fromMinute) * MINUTE_MS,
      movedFrom: stretch.movedMinutes > 0 ? wallTime : null,
    });
  }
  return times.some(({ movedFrom }) => movedFrom) ? inOrder(times) : times;
}

/** Sorts times; of two at the same instant the one stays that clocks show as it should be. */
const inOrder = (times: SlotTime[]): SlotTime[] =>
  times
    .sort((a, b) => a.atMs - b.atMs || Number(a.movedFrom !== null) - Number(b.movedFrom !== null))
    .filter(({ atMs }, at, all) => atMs !== all[at - 1]?.atMs);
