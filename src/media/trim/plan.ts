import type { Track } from '../mp4/movie.ts';
import type { SampleList } from '../mp4/sampleList.ts';

/** What is kept of a video track, in ticks of its samples' own line. */
export interface Selection {
  /** Pictures with from <= shown < to are kept; never more than is visible, so that nothing hidden comes to light. */
  from: number;
  to: number;
  /** When they are shown, rising. */
  times: number[];
  /** When what is kept begins: the first one's time, or later when that is shown all the while. */
  begin: number;
  /** When it ends: with the next picture, or the track; where one is shown all the while, with the range. */
  end: number;
}

/** Times arrive with up to six decimals, and a third of a second is no such number: half of the last one is given. */
const ROUNDING_SEC = 5e-7;

/** A picture that is shown longer than this is a pause: what is heard meanwhile belongs to it. */
export const HELD_SEC = 0.5;

/** A last picture may be shown longer than the range by so much: pictures are whole at ten a second and more. */
const OVERHANG_SEC = 0.1;

/** Whether a range begins in a pause, so that its first picture is one from before it. */
export const beginsHeld = (
  track: Track,
  originSec: number,
  startSec: number,
  { begin }: Selection,
): boolean => secondsAt(track, originSec, begin) - startSec > HELD_SEC;

/** Times of the pictures that are shown at all, rising. */
function visibleTimes({ samples, shift, shownFrom, shownTo }: Track): Float64Array {
  const isVisible = (time: number) => time + shift >= shownFrom && time + shift < shownTo;
  return samples.shownTimes.filter(isVisible).sort();
}

/** The tick at or after a time of the player's line. */
const tickAt = ({ timescale, shift }: Track, originSec: number, timeSec: number): number =>
  Math.ceil((timeSec + originSec - ROUNDING_SEC) * timescale - shift);

/** Gives the tick of a sample in seconds of the player's line. */
export const secondsAt = ({ timescale, shift }: Track, originSec: number, tick: number): number =>
  (tick + shift) / timescale - originSec;

/**
 * Selects the pictures a range shows: those that appear in it; when none does, the one that is shown all
 * the while, for as long as the range is. Null when the track shows nothing.
 */
export function selectPictures(
  track: Track,
  originSec: number,
  { startSec, endSec }: { startSec: number; endSec: number },
): Selection | null {
  const visible = visibleTimes(track);
  if (visible.length === 0) return null;
  const [from, to] = [startSec, endSec].map((time) => tickAt(track, originSec, time)) as [number, number];
  const [first, next] = [from, to].map((tick) => lowerBound(visible, tick)) as [number, number];
  if (first === next) {
    const held = visible[Math.max(0, first - 1)] as number;
    return { from: held, to: held + 1, times: [held], begin: from, end: Math.max(to, from + 1) };
  }
  const times = Array.from(visible.subarray(first, next));
  const [begin, last] = [times[0] as number, times.at(-1) as number];
  const natural = visible[next] ?? Math.min(track.samples.endTime, track.shownTo - track.shift);
  // Whole pictures, but not all of a pause that goes on behind the range.
  const end = natural - to > OVERHANG_SEC * track.timescale ? to : natural;
  return { from: begin, to: Math.min(to, end), times, begin, end: Math.max(end, last + 1) };
}

/** The first place whose value is not below the wanted one. */
function lowerBound(rising: Float64Array, wanted: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Tells for each sample, and behind the last, whether all before it is shown before all from it on (`isClosed`). */
export function closedPoints({ shownTimes, count }: Pick<SampleList, 'shownTimes' | 'count'>) {
  const latestBefore = new Float64Array(count + 1).fill(Number.NEGATIVE_INFINITY);
  const earliestFrom = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  for (let at = 0; at < count; at++)
    latestBefore[at + 1] = Math.max(latestBefore[at] as number, shownTimes[at] as number);
  for (let at = count - 1; at >= 0; at--)
    earliestFrom[at] = Math.min(earliestFrom[at + 1] as number, shownTimes[at] as number);
  const isClosed = (at: number) => (latestBefore[at] as number) < (earliestFrom[at] as number);
  /** Not even pictures that are decoded later and shown earlier may lean on what was before. */
  const isOpening = (at: number) => isClosed(at) && earliestFrom[at] === shownTimes[at];
  return { latestBefore, earliestFrom, isClosed, isOpening };
}

/** Samples from `from` up to `to` are copied; the pictures before and behind them are encoded again. */
export interface SmartPlan {
  from: number;
  to: number;
  head: number[];
  copied: number[];
  tail: number[];
}

/** Below this share of copied pictures nothing is won over encoding them all. */
const LEAST_COPIED_SHARE = 0.25;
/**
 * How many samples of a track are looked into for one at which decoding can begin. Where so many of them were none,
 * groups are most likely never closed.
 */
export const MOST_LOOKS = 400;

/** Looks into a sample: whether decoding can begin at it with nothing known. */
export type Look = (sample: number) => Promise<boolean>;

/**
 * Finds what can be copied: from the first point in the range where decoding can begin, up to the last one
 * behind which nothing belongs to what was before.
 *
 * @param canBegin asked of sync samples
 * @returns null when too little can
 */
export async function planSmartCut(
  { samples }: Track,
  { from, to, times }: Selection,
  canBegin: Look,
): Promise<SmartPlan | null> {
  const { latestBefore, isClosed, isOpening, earliestFrom } = closedPoints(samples);
  let [first, looks] = [0, 0];
  for (; first < samples.count; first++) {
    if (!samples.isSync[first] || (earliestFrom[first] as number) < from || !isOpening(first)) continue;
    if ((earliestFrom[first] as number) >= to || looks++ === MOST_LOOKS) return null;
    if (await canBegin(first)) break;
  }
  let last = samples.count;
  while (last > first && !(isClosed(last) && (latestBefore[last] as number) < to)) last--;
  if (last - first < times.length * LEAST_COPIED_SHARE || last === first) return null;
  const [begin, end] = [earliestFrom[first] as number, latestBefore[last] as number];
  return {
    from: first,
    to: last,
    head: times.filter((time) => time < begin),
    copied: times.filter((time) => time >= begin && time <= end),
    tail: times.filter((time) => time > end),
  };
}

/** Encoded at 1080p in a second of two busy cores, measured; decoding alone is so much faster. */
const PICTURES_A_SECOND = 75;
const REFERENCE_PIXELS = 1920 * 1080;
const DECODING_SHARE = 0.2;

/** Gives the seconds of work for what a plan encodes, and for what is decoded on the way there. */
export function workSecOf({ samples }: Track, { head, tail, to }: SmartPlan, pixels: number): number {
  const firstShown = head.length > 0 ? samples.shownTimes.indexOf(head[0] as number) : 0;
  const decoded = sinceSync(samples, firstShown) + (tail.length > 0 ? sinceSync(samples, to) : 0);
  const pictures = head.length + tail.length + decoded * DECODING_SHARE;
  return (pictures / PICTURES_A_SECOND) * (pixels / REFERENCE_PIXELS);
}

/** How many samples a decoder must be given before one. */
function sinceSync({ isSync }: SampleList, sample: number): number {
  let sync = sample;
  while (sync > 0 && !isSync[sync]) sync--;
  return sample - sync;
}

/** Samples that can be copied as they are, and what they show. */
export interface KeyframePlan {
  from: number;
  to: number;
  copied: number[];
  end: number;
}

/**
 * Finds the smallest run of samples that shows the whole range: from the last point at or before its start
 * where decoding can begin, up to the first at or behind its end where it can stop.
 *
 * @param canBegin asked of sync samples
 * @returns null when it would show what the source hides, or where to begin is not found
 */
export async function planKeyframeCut(
  track: Track,
  { from, end }: Selection,
  canBegin: Look,
): Promise<KeyframePlan | null> {
  const { samples, shift, shownFrom, shownTo } = track;
  const { isClosed, isOpening, earliestFrom, latestBefore } = closedPoints(samples);
  let [first, looks] = [samples.count - 1, 0];
  for (; first > 0; first--) {
    if (!samples.isSync[first] || (earliestFrom[first] as number) > from || !isOpening(first)) continue;
    if (looks++ === MOST_LOOKS) return null;
    if (await canBegin(first)) break;
  }
  let last = first + 1;
  while (last < samples.count && !(isClosed(last) && (earliestFrom[last] as number) >= end)) last++;
  const [begin, latest] = [earliestFrom[first] as number, latestBefore[last] as number];
  if (begin + shift < shownFrom || latest + shift >= shownTo) return null;
  const next = earliestFrom[last] as number;
  return {
    from: first,
    to: last,
    copied: Array.from(samples.shownTimes.subarray(first, last)).sort((one, other) => one - other),
    end: Number.isFinite(next) ? next : Math.min(samples.endTime, shownTo - shift),
  };
}
