import type { TimeRange } from './speech.ts';

/** A part of something that is read from one end to the other: so long, and when. */
export interface TimedLength extends TimeRange {
  length: number;
}

/** When every place of something is reached. */
export interface Timeline {
  /** Of all parts together. */
  length: number;
  /** When what begins at a place begins. */
  startAt(place: number): number;
  /** When what ends at a place ends: before a pause that lies there. */
  endAt(place: number): number;
}

/** Lays out parts in their order, at an even pace within each. Parts without a length are left out; one must have some. */
export function createTimeline(parts: readonly TimedLength[]): Timeline {
  const laid: (TimedLength & { from: number })[] = [];
  let length = 0;
  for (const part of parts) {
    if (part.length <= 0) continue;
    laid.push({ ...part, from: length });
    length += part.length;
  }
  /** The last part that begins before the place, or at it. */
  const partAt = (place: number, isIn: (from: number, place: number) => boolean) => {
    let [low, high] = [0, laid.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (isIn(laid[middle]?.from ?? 0, place)) low = middle;
      else high = middle - 1;
    }
    return laid[low];
  };
  const timeAt = (place: number, part: (TimedLength & { from: number }) | undefined): number => {
    if (!part) return 0;
    const share = Math.min(1, Math.max(0, (place - part.from) / part.length));
    return part.startSec + share * (part.endSec - part.startSec);
  };
  return {
    length,
    startAt: (place) =>
      timeAt(
        place,
        partAt(place, (from) => from <= place),
      ),
    endAt: (place) =>
      timeAt(
        place,
        partAt(place, (from) => from < place),
      ),
  };
}
