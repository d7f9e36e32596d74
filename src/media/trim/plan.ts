import type { Track } from './movie.ts';
import type { SampleList } from './sampleList.ts';

/** What is kept of a video track, in ticks of its samples' own line. */
export interface Selection {
  /** Pictures with from <= shown < to are kept. */
  from: number;
  to: number;
  /** When they are shown, rising. */
  times: number[];
  /** When the last one's time ends: the next picture's, or the end of the track. */
  end: number;
}

/** Times arrive with up to six decimals, and a third of a second is no such number: half of the last one is given. */
const ROUNDING_SEC = 5e-7;

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
 * the while. Null when the track shows nothing.
 */
export function selectPictures(
  track: Track,
  originSec: number,
  { startSec, endSec }: { startSec: number; endSec: number },
): Selection | null {
  const visible = visibleTimes(track);
  if (visible.length === 0) return null;
  let from = tickAt(track, originSec, startSec);
  let to = tickAt(track, originSec, endSec);
  let [first, next] = [from, to].map((tick) => lowerBound(visible, tick)) as [number, number];
  if (first === next) {
    first = Math.max(0, first - 1);
    next = first + 1;
    from = visible[first] as number;
    to = from + 1;
  }
  const times = Array.from(visible.subarray(first, next));
  const end = visible[next] ?? Math.min(track.samples.endTime, track.shownTo - track.shift);
  // Never outside of what is visible, so that nothing hidden in the source comes to light.
  from = Math.max(from, visible[0] as number);
  to = Math.min(to, end);
  return { from, to, times, end: Math.max(end, (times.at(-1) ?? 0) + 1) };
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
 * Finds what can be copied: from the first point in the range where decoding can begin, up to the last one
 * behind which nothing belongs to what was before.
 *
 * @param canBegin whether decoding can begin at a sync sample with nothing known
 * @returns null when too little can
 */
export async function planSmartCut(
  { samples }: Track,
  { from, to, times }: Selection,
  canBegin: (sample: number) => Promise<boolean>,
): Promise<SmartPlan | null> {
  const { latestBefore, isClosed, isOpening, earliestFrom } = closedPoints(samples);
  let first = 0;
  while (first < samples.count) {
    const isInRange = (earliestFrom[first] as number) >= from && isOpening(first);
    if (isInRange && samples.isSync[first] && (await canBegin(first))) break;
    first++;
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
 * @returns null when it would show what the source hides
 */
export async function planKeyframeCut(
  track: Track,
  { from, times, end }: Selection,
  canBegin: (sample: number) => Promise<boolean>,
): Promise<KeyframePlan | null> {
  const { samples, shift, shownFrom, shownTo } = track;
  const { isClosed, isOpening, earliestFrom, latestBefore } = closedPoints(samples);
  const start = Math.max(from, times[0] as number);
  let first = samples.count - 1;
  for (; first > 0; first--) {
    const isBefore = (earliestFrom[first] as number) <= start && isOpening(first);
    if (isBefore && samples.isSync[first] && (await canBegin(first))) break;
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
