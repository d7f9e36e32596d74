import type { ToolLimits } from '../confinement.ts';
import { copyLimits } from '../copyLimits.ts';
import type { PictureFormat } from './format.ts';
import type { MergeInput } from './request.ts';

const MIB = 1024 * 1024;

/** More than sound that is made takes up, in all tracks together. */
const SOUND_BYTES_PER_SEC = 100_000;

/** Gives what bringing an input into the common format may take while its picture is copied. */
export function soundLimits(sizeBytes: number, durationSec: number): ToolLimits {
  const limits = copyLimits(sizeBytes, durationSec);
  return { ...limits, fileSizeBytes: limits.fileSizeBytes + durationSec * SOUND_BYTES_PER_SEC };
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
