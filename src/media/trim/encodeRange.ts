import type { MediaFacts } from '../../domain/media.ts';
import { percentOfLength } from '../progress.ts';
import type { Runner, ToolRun, Watch } from '../runner.ts';
import { encodeRangeArgs, type Range } from './commands.ts';
import { encodeLimits, refuseCutShort } from './limits.ts';

export interface RangeRequest {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  facts: MediaFacts;
  range: Range;
  encoder: string[];
  sound: string[];
}

/**
 * Encodes the pictures of a range, and sound around it, into a file to take samples from.
 *
 * @throws MediaToolError `media_tool_output_too_large`; as `Runner.run`
 */
export async function encodeRange(runner: Runner, request: RangeRequest, watch: Watch): Promise<ToolRun> {
  const limits = encodeLimits(request.facts, request.range);
  const { fromSec, toSec } = request.range;
  const run = await runner.run(
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
  if (run.exitCode === 0) await refuseCutShort(request.outputPath, limits);
  return run;
}
