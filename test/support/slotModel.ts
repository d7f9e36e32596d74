import moment from 'moment-timezone';
import type { Weekday } from '../../src/domain/account.ts';
import type { Platform } from '../../src/domain/platform.ts';
import type { SkipReason, SlotQuestion } from '../../src/domain/slots.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const HALF_DAY_MS = DAY_MS / 2;
const NAMES: Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** How far a zone is ahead of UTC, by a library that the code does not use. */
export function offsetMs(zone: string, atMs: number): number {
  const found = moment.tz.zone(zone);
  if (!found) throw new Error(`${zone} is no zone`);
  return -found.utcOffset(atMs) * MINUTE_MS;
}

/** Says whether a wall time is one of a grid: of the day's own window, or of that of the day before. */
export function isOnGrid(
  { startMinute, endMinute, intervalMinutes, days }: SlotQuestion['grid'],
  wallMs: number,
) {
  const length = (endMinute - startMinute + 1440) % 1440;
  return [0, 1].some((daysBefore) => {
    const dayMs = Math.floor(wallMs / DAY_MS) * DAY_MS - daysBefore * DAY_MS;
    const after = (wallMs - dayMs) / MINUTE_MS - startMinute;
    const isDay = days.includes(NAMES[new Date(dayMs).getUTCDay()] as Weekday);
    return isDay && after >= 0 && after <= length && after % intervalMinutes === 0;
  });
}

/** Says whether an instant is a time of the grid, looking at the clocks of half a day earlier and later. */
export function isSlotTime(grid: SlotQuestion['grid'], zone: string, atMs: number): boolean {
  const offset = offsetMs(zone, atMs);
  const before = offsetMs(zone, atMs - HALF_DAY_MS);
  const wallMs = atMs + offset;
  const isSecond = before > offset && offsetMs(zone, wallMs - before) === before;
  if (!isSecond && isOnGrid(grid, wallMs)) return true;
  // What the clocks of before would show now, and nobody's did.
  const skippedMs = atMs + before;
  return before < offset && offsetMs(zone, skippedMs - offset) !== offset && isOnGrid(grid, skippedMs);
}

interface Post {
  atMs: number;
  postId?: string;
  platforms: readonly Platform[];
}

/** Says whether some window would hold too many with one more at an instant: every window that begins with one of them. */
export function isTooMany(posts: readonly Post[], atMs: number, cap: SlotQuestion['caps'][number]): boolean {
  const times = [
    ...posts.filter(({ platforms }) => platforms.includes(cap.platform)).map((post) => post.atMs),
    atMs,
  ];
  const windowMs = cap.windowSec * 1000;
  return times.some((fromMs) => {
    const inWindow = (timeMs: number) => timeMs >= fromMs && timeMs < fromMs + windowMs;
    return inWindow(atMs) && times.filter(inWindow).length > cap.max;
  });
}

export interface ModelAnswer {
  slots: number[];
  skipped: { atMs: number; reason: SkipReason; postId: string | null; platform: Platform | null }[];
}

/** Answers as the rule is told to people: every minute of the horizon is looked at, with everything that is taken. */
export function findSlotsSimply(question: SlotQuestion, zone: string): ModelAnswer {
  const { grid, taken, platforms, caps, nowMs, leadSec, horizonDays, count } = question;
  const intervalMs = grid.intervalMinutes * MINUTE_MS;
  const answer: ModelAnswer = { slots: [], skipped: [] };
  const fromMs = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS;
  for (let atMs = fromMs; atMs <= nowMs + horizonDays * DAY_MS; atMs += MINUTE_MS) {
    if (answer.slots.length === count) break;
    if (!isSlotTime(grid, zone, atMs)) continue;
    const skip = (reason: SkipReason, postId: string | null = null, platform: Platform | null = null) =>
      answer.skipped.push({ atMs, reason, postId, platform });
    const close = taken
      .filter((post) => Math.abs(post.atMs - atMs) < intervalMs)
      .sort((a, b) => a.atMs - b.atMs);
    const nearest = close.find((post) => post.atMs > atMs) ?? close.at(-1);
    const own = answer.slots.map((slotMs) => ({ atMs: slotMs, platforms }));
    const full = caps.find(
      (cap) => platforms.includes(cap.platform) && isTooMany([...taken, ...own], atMs, cap),
    );
    if (atMs < nowMs + leadSec * 1000) skip('too_soon');
    else if (nearest) skip('close_to_other_post', nearest.postId);
    else if (own.some((slot) => atMs - slot.atMs < intervalMs)) skip('close_to_earlier_slot');
    else if (full) skip('platform_limit', null, full.platform);
    else answer.slots.push(atMs);
  }
  return answer;
}
