import { assemble, progressTo, seconds } from './commands.ts';
import type { ToolRun } from './runner.ts';

export interface DecodeCommand {
  /** The guard, and the place. */
  inputOptions: readonly string[];
  input: string;
  withSound: boolean;
  /** No more than this is decoded, whatever a file claims. */
  lengthSec: number;
}

/**
 * Decodes the first picture of an input, and its sound, to nowhere; the first thing that cannot be decoded ends it
 * with a bad exit code. Past the end of a file it is content with nothing: `decodesWell` counts.
 */
export const decodeToNowhereArgs = ({ inputOptions, input, withSound, lengthSec }: DecodeCommand): string[] =>
  assemble({
    global: ['-xerror', ...progressTo('pipe:1')],
    inputOptions,
    input,
    outputOptions: [
      ...['-map', '0:v:0', ...(withSound ? ['-map', '0:a?'] : ['-an']), '-sn', '-dn'],
      // Every frame, counted: in ticks of the usual rate two at uneven times would be one, and complained about.
      ...['-fps_mode', 'passthrough', '-enc_time_base', '-1'],
      ...['-t', seconds(lengthSec), '-f', 'null'],
    ],
    output: 'pipe:1',
  });

/** Whether such a run ended well with at least so many pictures. */
export const decodesWell = ({ exitCode, progress }: ToolRun, leastPictures: number): boolean =>
  exitCode === 0 && progress.frames >= leastPictures;
