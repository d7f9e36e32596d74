import { SPEECH_FORM } from './commands.ts';

/** How loud a track is in each of its windows, in whole decibels below the loudest that can be (dBFS). */
export interface Levels {
  /** Of the average. */
  loudness: Int8Array;
  /** Of the extremes. */
  peaks: Int8Array;
  lengthSec: number;
}

export const WINDOW_SEC = 0.02;
const WINDOW_SAMPLES = WINDOW_SEC * SPEECH_FORM.sampleRate;
/** Below what 16 bits can tell from nothing. */
export const NOTHING_DB = -100;
const FULL_SCALE = 32_768;

/** Measures 16-bit samples piece by piece as they come: two hours of them are kept in less than a megabyte. */
export function createLevelMeter() {
  const loudness = growingList();
  const peaks = growingList();
  let window = emptyWindow();
  let samples = 0;
  let half: number | null = null;

  const end = () => {
    loudness.push(loudnessOf(window));
    peaks.push(toDb((window.highest - window.lowest) / 2));
    window = emptyWindow();
  };
  const hear = (sample: number) => {
    window.count += 1;
    window.sum += sample;
    window.squares += sample * sample;
    if (sample < window.lowest) window.lowest = sample;
    if (sample > window.highest) window.highest = sample;
    if (window.count === WINDOW_SAMPLES) end();
  };

  return {
    feed(bytes: Buffer): void {
      let at = 0;
      if (half !== null && bytes.length > 0) {
        hear(Buffer.of(half, bytes[0] as number).readInt16LE());
        samples += 1;
        at = 1;
      }
      const isOdd = (bytes.length - at) % 2 === 1;
      const last = bytes.length - (isOdd ? 1 : 0);
      samples += (last - at) / 2;
      for (; at < last; at += 2)
        hear((((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << 16) >> 16);
      half = isOdd ? (bytes[last] as number) : null;
    },
    read(): Levels {
      if (window.count > 0) end();
      return {
        loudness: loudness.read(),
        peaks: peaks.read(),
        lengthSec: samples / SPEECH_FORM.sampleRate,
      };
    },
  };
}

interface Window {
  count: number;
  sum: number;
  squares: number;
  lowest: number;
  highest: number;
}

const emptyWindow = (): Window => ({
  count: 0,
  sum: 0,
  squares: 0,
  lowest: FULL_SCALE,
  highest: -FULL_SCALE,
});

/** Of what moves: cheap microphones add a constant that nobody hears. */
const loudnessOf = ({ count, sum, squares }: Window): number =>
  toDb(Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)));

const toDb = (amplitude: number): number =>
  amplitude <= 0 ? NOTHING_DB : Math.max(NOTHING_DB, Math.round(20 * Math.log10(amplitude / FULL_SCALE)));

function growingList() {
  let list = new Int8Array(1 << 14);
  let length = 0;
  return {
    push(value: number): void {
      if (length === list.length) {
        const longer = new Int8Array(length * 2);
        longer.set(list);
        list = longer;
      }
      list[length++] = value;
    },
    read: () => list.subarray(0, length),
  };
}
