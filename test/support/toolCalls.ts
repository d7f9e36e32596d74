import { percentOfLength } from '../../src/media/progress.ts';
import type { ToolCall } from '../../src/media/runner.ts';

const LIMITS = { wallClockSec: 60, cpuSec: 60, fileSizeBytes: 64 * 1024 * 1024 };

/** A call to a tool with generous limits. */
export const callWith = (args: readonly string[], changes: Partial<ToolCall> = {}): ToolCall => ({
  ...{ tool: 'ffmpeg', args, limits: LIMITS, output: 'progress', percentOf: percentOfLength(3600) },
  ...changes,
});

/** Encodes a moving picture in real time to nowhere, or into a file. */
export const endlessCall = (mark: string, outputPath?: string): ToolCall =>
  callWith([
    ...['-v', 'error', '-nostdin', '-nostats', '-y', '-progress', 'pipe:1', '-stats_period', '0.1'],
    ...['-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-metadata', `title=${mark}`],
    ...(outputPath === undefined
      ? ['-f', 'null', '-']
      : ['-c:v', 'mjpeg', '-f', 'avi', `file:${outputPath}`]),
  ]);
