import { DiskFullError, MediaToolError } from '../errors.ts';
import type { ToolExit } from './toolProcess.ts';

/** Names of tools as they stand in sentences. */
export type ToolName = 'ffmpeg' | 'ffprobe';

const DISK_FULL = /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/;

const OUT_OF_MEMORY = /Cannot allocate memory/;
/** This refusal of ours is reported by some demuxers as if memory had run out. */
const TOO_MANY_STREAMS = /exceeds max_streams/;
/** What a wrapper or the dynamic linker says of a program it cannot run. */
const UNSTARTABLE = [126, 127];

const isOutOfMemory = (stderr: string) => OUT_OF_MEMORY.test(stderr) && !TOO_MANY_STREAMS.test(stderr);

/** Gives the error of a tool that is not installed. */
export const toolMissing = (tool: ToolName): MediaToolError =>
  new MediaToolError(
    `${tool} was not found on this worker: install ffmpeg or set ${tool.toUpperCase()}_PATH`,
    'media_tool_missing',
  );

/** Gives the error of a tool that ended with a bad exit code on an input it should have managed. */
export const toolFailed = (tool: ToolName, exit: ToolExit, cause = new Error(`exit code ${exit.exitCode}`)) =>
  new MediaToolError(`${tool} could not process the video`, 'media_tool_failed', { cause });

/**
 * Gives the error for an end that says nothing about the input: full disk, time limit, kill, crash. Null
 * when the tool ended by itself with an exit code, which the caller judges.
 */
export function interruption(tool: ToolName, exit: ToolExit): Error | null {
  if (exit.spawnError)
    return new MediaToolError(`${tool} could not be started`, 'media_tool_missing', {
      cause: exit.spawnError,
    });
  if (exit.stoppedBy === 'wall_clock') {
    return new MediaToolError(
      'The video took longer to process than its time limit allows',
      'media_tool_timeout',
    );
  }
  if (exit.stoppedBy === 'too_much_output') {
    return new MediaToolError(`${tool} printed more than it may`, 'media_tool_failed');
  }
  if (exit.stoppedBy === 'not_needed') return null;
  if (UNSTARTABLE.includes(exit.exitCode ?? 0)) {
    return new MediaToolError(`${tool} could not be started`, 'media_tool_missing');
  }
  if (exit.exitCode !== 0 && isOutOfMemory(exit.stderrTail)) {
    return new MediaToolError(`${tool} met its memory limit`, 'media_tool_crashed');
  }
  if (exit.exitCode !== 0 && DISK_FULL.test(exit.stderrTail)) return new DiskFullError();
  if (exit.signal === 'SIGXFSZ') {
    return new MediaToolError('The result grew larger than it may', 'media_tool_output_too_large');
  }
  if (exit.signal !== null) {
    return new MediaToolError(
      `${tool} was ended by ${exit.signal}: it crashed, or met a memory or time limit`,
      'media_tool_crashed',
    );
  }
  return null;
}
