import { stat } from 'node:fs/promises';
import type { MediaFacts } from '../../domain/media.ts';
import { MediaToolError } from '../../errors.ts';
import type { ToolLimits } from '../confinement.ts';
import type { Range } from './commands.ts';

const MIB = 1024 * 1024;
/** More than noise needs at the qualities used here. */
const BYTES_PER_PIXEL = 1;
const SOUND_BYTES_PER_SEC = 1_000_000;
/** A rate is an average: a slide show may hold a film. */
const [LEAST_FPS, MOST_FPS] = [60, 240];

/**
 * Scaled from measurements: 1080p30 is encoded 2.5 times as fast as it plays on two cores, and decoded twelve times; 8K
 * sixteen times slower.
 */
const [REFERENCE_PIXELS, REFERENCE_FPS] = [1920 * 1080, 30];
const SECONDS_PER_SECOND = { encoding: 12, decoding: 3 };

/** Gives what encoding a range may take; all before it may have to be decoded, too. */
export function encodeLimits({ width, height, fps }: MediaFacts, range: Range): ToolLimits {
  const rate = Math.min(MOST_FPS, Math.max(LEAST_FPS, fps ?? 0));
  const lengthSec = range.soundToSec - Math.max(0, range.fromSec);
  const beforeSec = range.seekSec + Math.max(0, range.fromSec);
  const weight = Math.max(1, (width * height) / REFERENCE_PIXELS) * (rate / REFERENCE_FPS);
  const busySec = lengthSec * SECONDS_PER_SECOND.encoding + beforeSec * SECONDS_PER_SECOND.decoding;
  const wallClockSec = 120 + busySec * weight;
  const bytesPerSec = width * height * rate * BYTES_PER_PIXEL + SOUND_BYTES_PER_SEC;
  const fileSizeBytes = Math.ceil(64 * MIB + lengthSec * bytesPerSec);
  return { wallClockSec, cpuSec: wallClockSec * 8, fileSizeBytes };
}

/** Gives what looking at a result may take: all of it is read, from a slow disk perhaps. */
export function checkLimits(sizeBytes: number): ToolLimits {
  const wallClockSec = 180 + sizeBytes / (10 * MIB);
  return { wallClockSec, cpuSec: wallClockSec * 2, fileSizeBytes: 0 };
}

const NEARLY = 0.99;

/**
 * Refuses a file that was cut short at its limit, which ffmpeg takes for a good end.
 *
 * @throws MediaToolError `media_tool_output_too_large`
 */
export async function refuseCutShort(path: string, { fileSizeBytes }: ToolLimits): Promise<void> {
  const { size } = await stat(path);
  if (size < fileSizeBytes * NEARLY) return;
  throw new MediaToolError('The result grew larger than it may', 'media_tool_output_too_large');
}
