/** When the next posts of an account go out by themselves: the rule, which everybody asks who needs to know. */
import type { Platform } from './platform.ts';
import { CappedTimes, type RollingCap } from './rollingCap.ts';
import { listSlotTimes, type SlotGrid, type SlotTime } from './slotTimes.ts';
import type { ZoneCalendar } from './zoneCalendar.ts';

const DAY_MS = 86_400_000;

/** The time of a post that no other may be too close to. */
export interface TakenTime {
  atMs: number;
  postId: string;
  /** Where it goes, or went: those that count there. */
  platforms: readonly Platform[];
}

/** How far from its time a post that went out did so about on time: a tenth of the interval, ten minutes at most. */
export const onTimeWithinMs = ({ intervalMinutes }: Pick<SlotGrid, 'intervalMinutes'>): number =>
  Math.min(intervalMinutes / 10, 10) * 60_000;

/** What is asked: the next `count` slots for posts that go to `platforms`. */
export interface SlotQuestion {
  grid: SlotGrid;
  calendar: ZoneCalendar;
  taken: readonly TakenTime[];
  platforms: readonly Platform[];
  caps: readonly RollingCap[];
  nowMs: number;
  /** How far ahead a slot is at least, and at most. */
  leadSec: number;
  horizonDays: number;
  count: number;
}

/**
 * Why a time was skipped: it is nearer than the lead; nearer to a post than the interval; to the slot given before it,
 * which happens where clocks go forward; or a platform would get more than it takes.
 */
export const SKIP_REASONS = [
  'too_soon',
  'close_to_other_post',
  'close_to_earlier_slot',
  'platform_limit',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface SkippedTime extends SlotTime {
  reason: SkipReason;
  /** The post that it is too close to. */
  postId: string | null;
  /** The one that would get too much. */
  platform: Platform | null;
}

export interface FoundSlots {
  /** In their order; fewer than were asked for when the horizon is reached. */
  slots: SlotTime[];
  /** The first of those that were skipped on the way, in their order. */
  skipped: SkippedTime[];
  /** How many were skipped in all. */
  skippedCount: number;
}

/** So many are said why; a year of minutes would say it half a million times. */
export const MAX_SKIPPED = 100;

/** Why a time cannot be had, and until when that is so. */
interface Obstacle extends Omit<SkippedTime, keyof SlotTime> {
  untilMs: number;
}

/**
 * Gives the next free slots of an account: those times of its grid that are far enough ahead, that no post and no
 * earlier slot is nearer to than the interval (in time that passes, whatever clocks do), and at which every platform
 * takes one more. Slots that are asked for one after the other, each taken before the next, are the same.
 */
export function findSlots(question: SlotQuestion): FoundSlots {
  const { grid, calendar, nowMs, horizonDays, count } = question;
  const untilMs = nowMs + horizonDays * DAY_MS;
  const obstacles = new Obstacles(question);
  const found: FoundSlots = { slots: [], skipped: [], skippedCount: 0 };
  let blockedUntilMs = Number.NEGATIVE_INFINITY;
  for (const time of listSlotTimes(grid, calendar, { fromMs: nowMs, untilMs })) {
    if (found.slots.length === count) break;
    // What is between is not thought about again: there may be a minute each of three months.
    const isSaid = found.skipped.length === MAX_SKIPPED;
    const obstacle = isSaid && time.atMs < blockedUntilMs ? null : obstacles.find(time.atMs);
    if (obstacle) {
      const { untilMs: nextMs, ...why } = obstacle;
      blockedUntilMs = nextMs;
      if (!isSaid) found.skipped.push({ ...time, ...why });
    }
    if (time.atMs < blockedUntilMs) found.skippedCount += 1;
    else {
      found.slots.push(time);
      obstacles.take(time.atMs);
    }
  }
  return found;
}

/** What is in the way of a slot. Asked about later and later times only. */
class Obstacles {
  readonly #earliestMs: number;
  readonly #intervalMs: number;
  /** Sorted by time. */
  readonly #taken: readonly TakenTime[];
  readonly #capped: readonly CappedTimes[];
  /** The place in `#taken` of the first that is later than what was asked about. */
  #next = 0;
  #lastSlotMs = Number.NEGATIVE_INFINITY;

  constructor({ nowMs, leadSec, grid, taken, platforms, caps }: SlotQuestion) {
    this.#earliestMs = nowMs + leadSec * 1000;
    this.#intervalMs = grid.intervalMinutes * 60_000;
    this.#taken = taken.toSorted((a, b) => a.atMs - b.atMs);
    this.#capped = caps
      .filter(({ platform }) => platforms.includes(platform))
      .map((cap) => new CappedTimes(cap, timesOf(taken, cap.platform)));
  }

  find(atMs: number): Obstacle | null {
    if (atMs < this.#earliestMs)
      return { reason: 'too_soon', postId: null, platform: null, untilMs: this.#earliestMs };
    return this.#findPost(atMs) ?? this.#findSlot(atMs) ?? this.#findCap(atMs);
  }

  take(atMs: number): void {
    this.#lastSlotMs = atMs;
    for (const capped of this.#capped) capped.add(atMs);
  }

  #findPost(atMs: number): Obstacle | null {
    while ((this.#taken[this.#next]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) this.#next++;
    const [before, after] = [this.#taken[this.#next - 1], this.#taken[this.#next]];
    const close = [after, before].find((post) => post && Math.abs(post.atMs - atMs) < this.#intervalMs);
    if (!close) return null;
    const untilMs = close.atMs + this.#intervalMs;
    return { reason: 'close_to_other_post', postId: close.postId, platform: null, untilMs };
  }

  #findSlot(atMs: number): Obstacle | null {
    const untilMs = this.#lastSlotMs + this.#intervalMs;
    return atMs < untilMs ? { reason: 'close_to_earlier_slot', postId: null, platform: null, untilMs } : null;
  }

  #findCap(atMs: number): Obstacle | null {
    for (const capped of this.#capped) {
      const untilMs = capped.fullUntilMs(atMs);
      if (untilMs !== null)
        return { reason: 'platform_limit', postId: null, platform: capped.platform, untilMs };
    }
    return null;
  }
}

/** Gives those of the caps that one more post at an instant would be too much for. */
export const findFullCaps = (
  caps: readonly RollingCap[],
  taken: readonly TakenTime[],
  atMs: number,
): RollingCap[] =>
  caps.filter((cap) => new CappedTimes(cap, timesOf(taken, cap.platform)).fullUntilMs(atMs) !== null);

const timesOf = (taken: readonly TakenTime[], platform: Platform): number[] =>
  taken.filter(({ platforms }) => platforms.includes(platform)).map(({ atMs }) => atMs);
