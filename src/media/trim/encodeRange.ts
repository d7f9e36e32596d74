import type { MediaFacts } from '../../domain/media.ts';
import { percentOfLength } from '../progress.ts';
import type { Runner, ToolRun, Watch } from '../runner.ts';
import { encodeRangeArgs, type Range } from './commands.ts';

export interface RangeRequest {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  facts: MediaFacts;
  range: Range;
  encoder: string[];
  sound: string[];
}

const MIB = 1024 * 1024;
/** More than noise needs at the qualities used here. */
const BYTES_PER_PIXEL = 1;
const MOST_FPS = 240;
const SOUND_BYTES_PER_SEC = 1_000_000;

/** Scaled from measurements: 1080p30 is encoded 2.5 times as fast as it plays on two cores; 8K sixteen times slower. */
const REFERENCE_PIXELS = 1920 * 1080;
const SECONDS_PER_SECOND = 12;

function limitsOf({ facts, range }: RangeRequest) {
  const { width, height, fps } = facts;
  const lengthSec = range.toSec - Math.max(0, range.fromSec);
  const weight = Math.max(1, (width * height) / REFERENCE_PIXELS) * Math.max(1, (fps ?? 30) / 30);
  const wallClockSec = 120 + lengthSec * SECONDS_PER_SECOND * weight;
  const pixelsPerSec = width * height * Math.min(fps ?? 30, MOST_FPS);
  const fileSizeBytes = 64 * MIB + lengthSec * (pixelsPerSec * BYTES_PER_PIXEL + SOUND_BYTES_PER_SEC);
  return { wallClockSec, cpuSec: wallClockSec * 8, fileSizeBytes: Math.ceil(fileSizeBytes) };
}

/**
 * Encodes the pictures of a range, and sound around it, into a file to take samples from.
 *
 * @throws as `Runner.run`
 */
export function encodeRange(runner: Runner, request: RangeRequest, watch: Watch): Promise<ToolRun> {
  const limits = limitsOf(request);
  const { fromSec, toSec } = request.range;
  return runner.run(
    {
      tool: 'ffmpeg',
      args: encodeRangeArgs({ ...request, fileSizeBytes: limits.fileSizeBytes }),
      limits,
      output: 'progress',
      percentOf: (report) => {
        const doneSec = Math.max(report.outTimeSec ?? 0, report.lastSeenSec ?? 0) - Math.max(0, fromSec);
        return percentOfLength(toSec - fromSec)({ ...report, outTimeSec: doneSec, lastSeenSec: null });
      },
    },
    watch,
  );
}
