import { assemble, fileUrl, progressTo, seconds } from './commands.ts';
import { decodeToNowhereArgs } from './decodeArgs.ts';
import { FILE_GUARD } from './safety.ts';
import { type HighRange, intoUsualRange } from './usualRange.ts';

/** How a picture is encoded for browsers. */
export interface PictureEncoding {
  /** As displayed, even numbers. */
  width: number;
  height: number;
  /** What a second may take at most, for whoever plays while it loads. */
  maxBitsPerSec: number;
  isInterlaced: boolean;
  /** Of a picture that is brighter than usual screens: it is brought into their range. */
  highRange: HighRange | null;
  /** Stored as red, green and blue. */
  isRgb: boolean;
  threads: number;
}

export interface SoundEncoding {
  channels: number;
  sampleRate: number;
}

export interface PlaybackCommand {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  /** Null where the picture is copied. */
  picture: PictureEncoding | null;
  /** `encoding` is null where the track is copied. */
  sound: readonly { streamIndex: number; encoding: SoundEncoding | null }[];
  /** No output is longer. */
  lengthSec: number;
  /** AVI knows no presentation times: they are made up from the order. */
  lacksTimes: boolean;
}

/** Visually the same as most sources at half the size of the default's; the preset is measured in bench notes. */
const CRF = '21';
const KEYFRAME_SEC = 2;
const SOUND_BITS_PER_CHANNEL = 80_000;

/**
 * Writes an MP4 with its index first. Titles, places and chapters stay behind: the rendition is given to people who
 * only have a link. Languages belong to the tracks and come along.
 */
export function playbackArgs(command: PlaybackCommand): string[] {
  const { inputPath, outputPath, streamIndex, picture, sound, lengthSec, lacksTimes } = command;
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: [...FILE_GUARD, ...(lacksTimes ? ['-fflags', '+genpts'] : [])],
    input: fileUrl(inputPath),
    outputOptions: [
      ...['-map', `0:${streamIndex}`, ...sound.flatMap((track) => ['-map', `0:${track.streamIndex}`])],
      ...['-sn', '-dn', '-map_metadata:g', '-1', '-map_chapters', '-1'],
      ...(picture ? encodePicture(picture) : ['-c:v', 'copy']),
      ...sound.flatMap(({ encoding }, at) => (encoding ? encodeSound(encoding, at) : [`-c:a:${at}`, 'copy'])),
      ...['-t', seconds(lengthSec), '-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: fileUrl(outputPath),
  });
}

const encodePicture = (picture: PictureEncoding): string[] => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', CRF, '-threads:v', String(picture.threads)],
  ...['-maxrate', String(picture.maxBitsPerSec), '-bufsize', String(picture.maxBitsPerSec * 2)],
  ...['-vf', pictureFilters(picture).join(',')],
  // Every frame at its own time: by default the encoder counts in frames of the average rate and drops what jumps.
  ...['-fps_mode', 'passthrough', '-enc_time_base', '-1'],
  ...['-force_key_frames', `expr:gte(t,n_forced*${KEYFRAME_SEC})`],
];

/** ffmpeg turns the picture upright before the first of these. */
function pictureFilters({ width, height, isInterlaced, highRange, isRgb }: PictureEncoding): string[] {
  const colors = isRgb ? ':out_color_matrix=bt709' : '';
  return [
    ...(isInterlaced ? ['yadif=mode=send_frame:deint=interlaced'] : []),
    `scale=${width}:${height}:flags=bicubic:out_range=tv${colors}`,
    'setsar=1',
    ...(highRange ? intoUsualRange(highRange) : []),
    'format=yuv420p',
    ...(isRgb ? ['setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709'] : []),
  ];
}

/** Where sound is missing in between, silence keeps the rest in its place. */
const encodeSound = ({ channels, sampleRate }: SoundEncoding, at: number): string[] => [
  ...[`-c:a:${at}`, 'aac', `-b:a:${at}`, String(SOUND_BITS_PER_CHANNEL * channels)],
  ...[`-ac:a:${at}`, String(channels), `-ar:a:${at}`, String(sampleRate)],
  ...[`-filter:a:${at}`, 'aresample=async=1'],
];

export interface DecodePartCommand {
  inputPath: string;
  /** Where: the first or the last seconds. */
  part: 'start' | 'end';
  lengthSec: number;
}

const SAMPLE_SEC = 2;
const PLACES = { start: ['-t', seconds(SAMPLE_SEC)], end: ['-noaccurate_seek', '-sseof', `-${SAMPLE_SEC}`] };

/** Decodes a part of a file to nowhere. */
export const decodePartArgs = ({ inputPath, part, lengthSec }: DecodePartCommand): string[] =>
  decodeToNowhereArgs({
    inputOptions: [...FILE_GUARD, ...PLACES[part]],
    input: fileUrl(inputPath),
    withSound: true,
    lengthSec,
  });
