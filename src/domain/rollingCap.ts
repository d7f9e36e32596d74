/** How much a platform takes: so many posts in any stretch of time of a length. */
import type { Platform } from './platform.ts';

export interface RollingCap {
  platform: Platform;
  /** At least 1. */
  max: number;
  /** Two posts that are just so far from one another are not in one window. */
  windowSec: number;
}

/** Gives the place of the first of sorted times that is not before an instant. */
function placeOf(timesMs: readonly number[], atMs: number): number {
  let [low, high] = [0, timesMs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timesMs[middle] as number) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a platform has got and is to get, held against its cap. */
export class CappedTimes {
  readonly platform: Platform;
  readonly #max: number;
  readonly #windowMs: number;
  /** Sorted. */
  readonly #timesMs: number[];

  constructor({ platform, max, windowSec }: RollingCap, timesMs: readonly number[]) {
    this.platform = platform;
    this.#max = max;
    this.#windowMs = windowSec * 1000;
    this.#timesMs = timesMs.toSorted((a, b) => a - b);
  }

  /**
   * Says until when there is no room, when one more at an instant would make some window too full; null when it would
   * not. Those before and after it count alike.
   */
  fullUntilMs(atMs: number): number | null {
    const timeMs = (at: number): number => this.#timesMs[at] as number;
    const end = placeOf(this.#timesMs, atMs + this.#windowMs);
    // The latest group of so many that are within one window with it: of all such, it makes room last.
    for (let first = end - this.#max; first >= 0 && timeMs(first) > atMs - this.#windowMs; first--) {
      const last = first + this.#max - 1;
      if (timeMs(last) - timeMs(first) < this.#windowMs) return timeMs(first) + this.#windowMs;
    }
    return null;
  }

  add(atMs: number): void {
    this.#timesMs.splice(placeOf(this.#timesMs, atMs), 0, atMs);
  }
}
