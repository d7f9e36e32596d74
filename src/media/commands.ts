import { isAbsolute } from 'node:path';
import buildCommand from 'fluent-ffmpeg';
import { FILE_GUARD, PIPE_GUARD } from './safety.ts';
import type { StoryboardGrid } from './storyboardGrid.ts';

/**
 * The argument lists of ffmpeg, as pure functions. fluent-ffmpeg only assembles them: its own run,
 * progress, screenshots and ffprobe start unguarded processes.
 */

const GLOBAL = ['-hide_banner', '-v', 'error', '-nostdin', '-nostats', '-y'] as const;
const PROGRESS_INTERVAL_SEC = '0.5';

/** Has ffmpeg tell how far it is, every half second. */
export const progressTo = (pipe: 'pipe:1' | 'pipe:3') => [
  '-progress',
  pipe,
  '-stats_period',
  PROGRESS_INTERVAL_SEC,
];

/** No picture of ours comes near this; it bounds what a hostile file can make ffmpeg write. */
export const MAX_PICTURE_BYTES = 32 * 1024 * 1024;
/** One key frame per tile travels through the pipe. */
export const MAX_PACKET_BYTES = 4 * 1024 ** 3;

/**
 * Gives the address of a local file. The prefix keeps ffmpeg from reading a name as an option or as
 * another protocol.
 */
export const fileUrl = (path: string): string => {
  if (!isAbsolute(path)) throw new TypeError('Media paths are absolute');
  return `file:${path}`;
};

export interface Command {
  global: readonly string[];
  inputOptions: readonly string[];
  input: string;
  outputOptions: readonly string[];
  output: string;
}

/** Puts an argument list together: what holds for every run, the guarded input, the output. */
export function assemble({ global, inputOptions, input, outputOptions, output }: Command): string[] {
  const command = buildCommand()
    .input(input)
    // Spread: given as one array, the builder splits every element that holds a single space.
    .inputOptions(...inputOptions)
    .output(output)
    .outputOptions(...outputOptions);
  // The one builder function that gives the list without running anything; the types leave it out.
  const args = (command as unknown as { _getArguments(): string[] })._getArguments();
  return [...GLOBAL, ...global, ...args];
}

/** A time as ffmpeg reads it. */
export const seconds = (value: number): string => value.toFixed(3);

const picture = (quality: number): string[] => [
  ...['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', String(quality)],
  ...['-fs', String(MAX_PICTURE_BYTES), '-f', 'mjpeg'],
];

const only = (streamIndex: number): string[] => ['-map', `0:${streamIndex}`, '-an', '-sn', '-dn'];

export interface ThumbnailCommand {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  seekSec: number;
  /** `keyframe`: the one at or before the time, without decoding further; `exact`: the frame at that time. */
  accuracy: 'keyframe' | 'exact';
  width: number;
  height: number;
  durationSec: number;
}

/** One JPEG from one place. Standard output also tells the time of the frame that was taken. */
export function thumbnailArgs(wanted: ThumbnailCommand): string[] {
  const isKeyframe = wanted.accuracy === 'keyframe';
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: [
      ...FILE_GUARD,
      ...(isKeyframe ? ['-threads', '1'] : []),
      ...(wanted.seekSec > 0 ? ['-ss', seconds(wanted.seekSec)] : []),
      ...(isKeyframe ? ['-noaccurate_seek'] : []),
    ],
    input: fileUrl(wanted.inputPath),
    outputOptions: [
      ...only(wanted.streamIndex),
      // Without passthrough a key frame before the seek point has a negative time and is dropped.
      ...['-fps_mode', 'passthrough'],
      ...['-vf', `${resize(wanted)},${PRINT_TIME}`],
      ...['-t', seconds(wanted.durationSec)],
      ...picture(3),
    ],
    output: fileUrl(wanted.outputPath),
  });
}

const resize = ({ width, height }: { width: number; height: number }) =>
  `scale=${width}:${height},setsar=1,format=yuvj420p`;

/**
 * Has each frame that passes tell its time on standard output.
 * `print` speaks only of frames that carry metadata, so one entry is added; `direct` says it at once.
 */
export const PRINT_TIME = String.raw`metadata=mode=add:key=videoflow:value=1,metadata=mode=print:file=pipe\\:1:direct=1`;

export interface StoryboardCommand {
  inputPath: string;
  imagePath: string;
  streamIndex: number;
  grid: StoryboardGrid;
  durationSec: number;
  /** Clockwise degrees. */
  rotation: number;
}

/**
 * Writes the first key frame of each cell, undecoded, to standard output. The expression keeps in
 * variable 0 where the next cell begins: a packet is dropped unless it is a key frame at or after it.
 * Works for every codec, and bounds the decoding by the number of tiles.
 */
export function keyframePacketsArgs({
  inputPath,
  streamIndex,
  grid,
  durationSec,
}: StoryboardCommand): string[] {
  const cell = seconds(grid.intervalSec);
  const isKept = String.raw`key*gte(pts*tb\,ld(0))`;
  return assemble({
    global: progressTo('pipe:3'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [
      ...only(streamIndex),
      ...['-c', 'copy', '-bsf:v', String.raw`noise=drop='if(${isKept}\,0*${nextCell('pts*tb', cell)}\,1)'`],
      ...['-t', seconds(durationSec), '-fs', String(MAX_PACKET_BYTES), '-f', 'nut'],
    ],
    output: 'pipe:1',
  });
}

/** Reads those packets from standard input and lays them out as one picture. */
export function tileKeyframesArgs({ imagePath, grid, rotation }: StoryboardCommand): string[] {
  // The pipe's container holds no rotation, so it is applied by hand; and few frames come, so they are
  // made small before they are repeated.
  const filters = [
    ...ROTATE[rotation as keyof typeof ROTATE],
    resize(tileSize(grid)),
    spread(grid),
    tile(grid),
  ];
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: [...PIPE_GUARD, '-f', 'nut'],
    input: 'pipe:0',
    outputOptions: [...only(0), '-vf', filters.join(','), '-t', sheetLength(grid), ...picture(4)],
    output: fileUrl(imagePath),
  });
}

/**
 * Decodes everything: for videos whose key frames are too few to show them. The sheet is a single frame,
 * written at the very end; how far the decoding has come is told by the frames that are printed on the way.
 */
export function tileAllFramesArgs({
  inputPath,
  imagePath,
  streamIndex,
  grid,
  durationSec,
}: StoryboardCommand): string[] {
  const filters = [firstOfEachCell(grid), PRINT_TIME, resize(tileSize(grid)), spread(grid), tile(grid)];
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: [...FILE_GUARD, '-t', seconds(durationSec)],
    input: fileUrl(inputPath),
    outputOptions: [...only(streamIndex), '-vf', filters.join(','), '-t', sheetLength(grid), ...picture(4)],
    output: fileUrl(imagePath),
  });
}

const ROTATE = {
  0: [],
  90: ['transpose=clock'],
  180: ['hflip', 'vflip'],
  270: ['transpose=cclock'],
} as const;

const tileSize = ({ tileWidth, tileHeight }: StoryboardGrid) => ({ width: tileWidth, height: tileHeight });

/** Where the cell after the one that holds this time begins, kept in variable 0. */
const nextCell = (time: string, cellSec: string) =>
  String.raw`st(0\,(floor(${time}/${cellSec})+1)*${cellSec})`;

const firstOfEachCell = ({ intervalSec }: StoryboardGrid) =>
  String.raw`select='if(gte(t\,ld(0))\,${nextCell('t', seconds(intervalSec))}\,0)'`;

/** Takes at most one frame a cell: cell k shows its own; an empty one repeats the one before. */
const spread = ({ intervalSec, count }: StoryboardGrid) =>
  `fps=1/${seconds(intervalSec)}:round=down:start_time=0:eof_action=pass,tpad=stop=${count}:stop_mode=clone`;

const tile = ({ columns, rows, count }: StoryboardGrid) => `tile=${columns}x${rows}:nb_frames=${count}`;

/** The sheet is one frame as long as all its tiles. */
const sheetLength = ({ count, intervalSec }: StoryboardGrid) => seconds((count + 1) * intervalSec);

/** Copies the packets of one stream to nowhere: the report's out time is the length of the stream. */
export function measureLengthArgs(inputPath: string, streamIndex: number, limitSec: number): string[] {
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [...only(streamIndex), '-c', 'copy', '-t', seconds(limitSec), '-f', 'null'],
    output: 'pipe:1',
  });
}

/** Arguments of ffprobe: JSON (the text form can be forged by tags), fixed fields only. */
export const probeArgs = (inputPath: string): string[] => [
  ...['-hide_banner', '-v', 'error', ...FILE_GUARD, '-of', 'json=compact=1', '-show_entries', PROBE_ENTRIES],
  ...['-i', fileUrl(inputPath)],
];

const PROBE_ENTRIES = [
  'format=format_name,start_time,duration,probe_score',
  [
    'stream=index,codec_type,codec_name,profile,width,height,sample_aspect_ratio,pix_fmt,avg_frame_rate',
    'time_base,level,field_order,color_range,color_space,color_transfer,color_primaries,channel_layout',
    'start_time,duration,channels,sample_rate',
  ].join(','),
  'stream_disposition=attached_pic,default',
  'stream_tags=language',
  'stream_side_data=rotation',
].join(':');
