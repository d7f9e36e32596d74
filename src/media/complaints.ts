import { UnusableMediaError } from '../errors.ts';
import { MAX_PIXELS, MAX_STREAMS } from './safety.ts';
import { type ToolName, toolFailed } from './toolFailure.ts';
import type { ToolExit } from './toolProcess.ts';

export const notAVideo = () =>
  new UnusableMediaError(
    'unsupported_media',
    'The file is not a video of a kind that is accepted; upload MP4, MOV, MKV, WebM, MPEG-TS or AVI',
  );

export const damaged = () =>
  new UnusableMediaError('corrupt_media', 'The file is damaged or not complete; export or upload it again');

const tooManyStreams = () =>
  new UnusableMediaError(
    'too_many_streams',
    `The file has more than ${MAX_STREAMS} tracks; export it with fewer`,
  );

export const unsupportedCodec = (codec = 'unknown') =>
  new UnusableMediaError(
    'unsupported_codec',
    `The codec ${codec} is not accepted; export the video as H.264 with AAC`,
  );

/** `size` in pixels, as far as the decoder let it be known. */
export const tooLargePicture = (size: string) =>
  new UnusableMediaError(
    'too_large_picture',
    `The picture of ${size} pixels is larger than accepted (${MAX_PIXELS / 1e6} megapixels at most); export it smaller`,
  );

/** What ffmpeg and ffprobe say about an input, and what that means for the person who uploaded it. */
const COMPLAINTS: ReadonlyArray<[RegExp, (match: RegExpExecArray) => UnusableMediaError]> = [
  [/Format not on whitelist/, notAVideo],
  [/exceeds max_streams/, tooManyStreams],
  [/Codec \(([\w.-]{1,40})\) not on whitelist/, (match) => unsupportedCodec(match[1])],
  [
    /Picture size (\d{1,10}x\d{1,10}) exceeds specified max pixel/,
    (match) => tooLargePicture(match[1] ?? ''),
  ],
  [
    /Invalid data found|moov atom not found|End of file|Cannot determine format of input|matches no streams/,
    damaged,
  ],
];

/** Gives what the tool complained about; null when the input is not to blame by any known sentence. */
export function readComplaint(stderrTail: string): UnusableMediaError | null {
  for (const [pattern, toError] of COMPLAINTS) {
    const match = pattern.exec(stderrTail);
    if (match) return toError(match);
  }
  return null;
}

/** Gives the error of a run that ended by itself and left nothing usable. */
export function uselessRun(tool: ToolName, exit: ToolExit): Error {
  // ffmpeg is content with an input that has nothing to decode.
  return readComplaint(exit.stderrTail) ?? (exit.exitCode === 0 ? damaged() : toolFailed(tool, exit));
}
