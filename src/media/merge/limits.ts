import type { ToolLimits } from '../confinement.ts';
import type { PictureFormat } from './format.ts';
import type { MergeInput } from './request.ts';

const MIB = 1024 * 1024;

/** Room for what containers add, and for a slow disk. */
export function copyLimits(sizeBytes: number, durationSec: number): ToolLimits {
  const wallClockSec = 60 + durationSec * 0.2 + sizeBytes / (10 * MIB);
  return {
    wallClockSec,
    cpuSec: wallClockSec,
    fileSizeBytes: sizeBytes * 1.25 + durationSec * 100_000 + 64 * MIB,
  };
}

const USUAL_PIXELS_A_SECOND = 1920 * 1080 * 30;
/** Two busy cores encode that many times slower than real time at worst; measured 2.6 times faster when idle. */
const SLOWNESS = 10;
/** Grain at a high quality stays far below. */
const BITS_PER_PIXEL = 1.5;

export function encodeLimits({ facts }: MergeInput, format: PictureFormat): ToolLimits {
  const [numerator = 30, denominator = 1] = format.frameRate.split('/').map(Number);
  const written = format.width * format.height * (numerator / denominator);
  const read = facts.width * facts.height * (facts.fps ?? 30);
  const size = Math.max(0.1, Math.max(written, read) / USUAL_PIXELS_A_SECOND);
  const wallClockSec = 120 + facts.durationSec * size * SLOWNESS;
  return {
    wallClockSec,
    cpuSec: wallClockSec * 4,
    fileSizeBytes: (written * facts.durationSec * BITS_PER_PIXEL) / 8 + facts.sizeBytes + 64 * MIB,
  };
}
