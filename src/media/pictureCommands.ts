import { PICTURES_PER_SEC, type PictureFormat } from '../domain/picture.ts';
import { assemble, fileUrl, MAX_PICTURE_BYTES, PRINT_TIME, progressTo, seconds } from './commands.ts';
import { FILE_GUARD } from './safety.ts';

export interface PictureCommand {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  timeSec: number;
  /** Where to begin with decoding: at the key frame before this time, if the file tells where that is. */
  seekSec: number;
  width: number;
  height: number;
  format: PictureFormat;
}

/** A frame that begins so little after a time counts as begun: containers round their times. */
const TOLERANCE_US = 2000;
const HALF_A_STEP_SEC = 0.5 / PICTURES_PER_SEC;

const ENCODERS: Record<PictureFormat, { pixels: string; range: 'pc' | 'tv'; options: readonly string[] }> = {
  jpg: { pixels: 'yuvj420p', range: 'pc', options: ['-c:v', 'mjpeg', '-q:v', '3', '-f', 'mjpeg'] },
  webp: { pixels: 'yuv420p', range: 'tv', options: ['-c:v', 'libwebp', '-quality', '80', '-f', 'webp'] },
};

/**
 * One picture of what is on the screen at a time: the last frame that has begun by then. An exact seek would take the
 * first one that begins at or after it, which may be seconds later. Standard output tells the time of the step that was
 * taken: later than the wished one when the seek came too late.
 */
export function pictureArgs(wanted: PictureCommand): string[] {
  const { pixels, range, options } = ENCODERS[wanted.format];
  return assemble({
    // Times as they are in the file: a seek point would otherwise be subtracted, rounded to a whole frame in AVI.
    global: [...progressTo('pipe:1'), '-copyts', '-start_at_zero'],
    inputOptions: [
      ...FILE_GUARD,
      ...(wanted.seekSec > 0 ? ['-ss', seconds(wanted.seekSec), '-noaccurate_seek'] : []),
    ],
    input: fileUrl(wanted.inputPath),
    outputOptions: [
      ...['-map', `0:${wanted.streamIndex}`, '-an', '-sn', '-dn', '-fps_mode', 'passthrough'],
      ...['-vf', [...atTime(wanted.timeSec), PRINT_TIME, ...shape(wanted, pixels, range)].join(',')],
      ...['-frames:v', '1', ...options, '-fs', String(MAX_PICTURE_BYTES)],
    ],
    output: fileUrl(wanted.outputPath),
  });
}

/**
 * Keeps for each step the last frame that has begun by then; after the last frame, that one. It is repeated a little
 * beforehand too, since `fps` drops what lies in the last step before the end.
 */
const atTime = (timeSec: number): string[] => [
  ...['settb=AVTB', `setpts=PTS-${TOLERANCE_US}`],
  'tpad=stop_mode=clone:stop_duration=0.2',
  `fps=${PICTURES_PER_SEC}:round=up`,
  'tpad=stop_mode=clone:stop=-1',
  String.raw`select='gte(t\,${seconds(timeSec - HALF_A_STEP_SEC)})'`,
];

/** Both formats are read as BT.601, whatever the video was. */
const shape = ({ width, height }: PictureCommand, pixels: string, range: string): string[] => [
  `scale=${width}:${height}:out_color_matrix=bt601:out_range=${range}`,
  'setsar=1',
  `format=${pixels}`,
];
