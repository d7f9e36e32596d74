import { colorOptions } from '../colorOptions.ts';
import { assemble, fileUrl, progressTo, seconds } from '../commands.ts';
import { decodeToNowhereArgs } from '../decodeArgs.ts';
import { DECODERS, FILE_GUARD, SIZE_GUARD } from '../safety.ts';
import { channelsOf, pictureEncoder } from './encoders.ts';
import type { PictureFormat, SoundFormat } from './format.ts';
import { type Train, trainFilters } from './soundTrain.ts';

export type PieceSound =
  | { kind: 'copy'; streamIndex: number }
  | { kind: 'encode'; streamIndex: number; format: SoundFormat }
  | { kind: 'silence'; format: SoundFormat };

export interface PieceCommand {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  format: PictureFormat;
  /** Null where the picture is copied. */
  pictureFilters: readonly string[] | null;
  sounds: readonly PieceSound[];
  /** What is encoded is as long. */
  lengthSec: number;
}

const CRF = '18';
const KEYFRAME_SEC = 2;
const BITS_PER_CHANNEL = 96_000;

const heard = ({ channelLayout, sampleRate }: SoundFormat) =>
  `aformat=sample_rates=${sampleRate}:channel_layouts=${channelLayout}`;

/** Sound from the first moment to the last one: holes and missing ends become silence. */
function soundFilters(sound: PieceSound, lengthSec: number): string | null {
  const length = `atrim=end=${seconds(lengthSec)}`;
  if (sound.kind === 'copy') return null;
  if (sound.kind === 'silence') {
    const { sampleRate, channelLayout } = sound.format;
    return `anullsrc=sample_rate=${sampleRate}:channel_layout=${channelLayout},${length}`;
  }
  return `[0:${sound.streamIndex}]aresample=async=1:first_pts=0,${heard(sound.format)},apad,${length}`;
}

/**
 * Brings one input into the common format, as an MP4: picture and sound are copied or encoded, each by itself. The
 * rotation of a picture that is encoded is left to the joined file.
 */
export function pieceArgs(command: PieceCommand): string[] {
  const { inputPath, outputPath, streamIndex, format, pictureFilters, sounds, lengthSec } = command;
  const filters = sounds.map((sound) => soundFilters(sound, lengthSec));
  const graph = [
    ...(pictureFilters ? [`[0:${streamIndex}]${pictureFilters.join(',')}[v]`] : []),
    ...filters.flatMap((filter, at) => (filter ? [`${filter}[a${at}]`] : [])),
  ];
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [
      ...(graph.length > 0 ? ['-filter_complex', graph.join(';')] : []),
      ...['-map', pictureFilters ? '[v]' : `0:${streamIndex}`],
      ...sounds.flatMap((sound, at) => [
        '-map',
        sound.kind === 'copy' ? `0:${sound.streamIndex}` : `[a${at}]`,
      ]),
      ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'],
      ...(pictureFilters ? encodePicture(format) : ['-c:v', 'copy']),
      ...sounds.flatMap(encodeSound),
      ...(format.codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
      ...['-video_track_timescale', String(format.timescale)],
      // Copied streams may go on a little after the picture, or the other way round: nothing of them is cut.
      ...['-t', seconds(lengthSec + (pictureFilters ? 0 : 60)), '-f', 'mp4'],
    ],
    output: fileUrl(outputPath),
  });
}

function encodePicture(format: PictureFormat): string[] {
  const { codec, profile, pixelFormat, colors, isTagged } = format;
  const encoder = pictureEncoder(codec, profile, pixelFormat);
  if (!encoder) throw new TypeError('No picture of this kind is encoded');
  return [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', CRF, '-profile:v', encoder.profile],
    ...['-pix_fmt', pixelFormat],
    ...['-force_key_frames', `expr:gte(t,n_forced*${KEYFRAME_SEC})`],
    ...(isTagged ? colorOptions(colors) : []),
  ];
}

const encodeSound = (sound: PieceSound, at: number): string[] =>
  sound.kind === 'copy'
    ? [`-c:a:${at}`, 'copy']
    : [`-c:a:${at}`, 'aac', `-b:a:${at}`, String(BITS_PER_CHANNEL * channelsOf(sound.format.channelLayout))];

/**
 * Options before a list of our own. Members are opened by the same rules, so that only MP4 and MOV are: a list is
 * one of the formats then, for members as well, which is why each was seen to begin as an MP4. The list itself
 * may only name files beside it (`safe`).
 */
export const LIST_GUARD: readonly string[] = [
  ...['-f', 'concat', '-safe', '1', '-protocol_whitelist', 'file', '-format_whitelist', 'concat,mov'],
  ...['-codec_whitelist', DECODERS.join(',')],
  ...SIZE_GUARD,
];

export interface ListEntry {
  /** A name of ours, beside the list. */
  name: string;
  durationSec?: number;
  inpointSec?: number;
  outpointSec?: number;
}

const OWN_NAME = /^[a-z0-9][a-z0-9.-]*$/;
const exact = (value: number): string => value.toFixed(6);

/** Gives the text of a list for ffmpeg's concat demuxer. */
export function listText(entries: readonly ListEntry[]): string {
  const lines = entries.flatMap(({ name, durationSec, inpointSec, outpointSec }) => {
    if (!OWN_NAME.test(name)) throw new TypeError('Members of a list have names of ours');
    return [
      `file ${name}`,
      ...(durationSec === undefined ? [] : [`duration ${exact(durationSec)}`]),
      ...(inpointSec === undefined ? [] : [`inpoint ${exact(inpointSec)}`]),
      ...(outpointSec === undefined ? [] : [`outpoint ${exact(outpointSec)}`]),
    ];
  });
  return ['ffconcat version 1.0', ...lines, ''].join('\n');
}

export interface JoinedSound extends Train {
  language: string | null;
}

export interface PieceDelay {
  startTicks: number;
  delayTicks: number;
}

export interface JoinCommand {
  listPath: string;
  outputPath: string;
  codec: string;
  timescale: number;
  /** By how many ticks each piece is decoded before it is shown. */
  delays: readonly PieceDelay[];
  sounds: readonly JoinedSound[];
  lengthSec: number;
}

/** Lays the members of a list end to end, undecoded, with the index first. */
export function joinArgs(command: JoinCommand): string[] {
  const { listPath, outputPath, codec, timescale, delays, sounds, lengthSec } = command;
  const evened = evenDelays(delays);
  return assemble({
    // Times as the list gives them: otherwise all would be moved by what the first sound has before its beginning.
    global: [...progressTo('pipe:1'), '-copyts'],
    inputOptions: LIST_GUARD,
    input: fileUrl(listPath),
    outputOptions: [
      ...['-map', '0:0', ...sounds.flatMap((_, at) => ['-map', `0:${at + 1}`])],
      ...['-sn', '-dn', '-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1', '-c', 'copy'],
      ...(evened ? ['-bsf:v:0', evened] : []),
      ...sounds.flatMap((sound, at) => [`-bsf:a:${at}`, trainFilters(sound)]),
      ...sounds.flatMap(({ language }, at) =>
        language === null ? [] : [`-metadata:s:a:${at}`, `language=${language}`],
      ),
      ...(codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
      ...['-video_track_timescale', String(timescale)],
      ...['-t', seconds(lengthSec), '-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: fileUrl(outputPath),
  });
}

/**
 * Has all pieces decoded as early as the one that needs it most; null when they are alike. Otherwise decode times would
 * run into each other where a piece follows one with less reordering, and the track would end too early.
 */
export function evenDelays(delays: readonly PieceDelay[]): string | null {
  const longest = Math.max(...delays.map(({ delayTicks }) => delayTicks));
  if (delays.every(({ delayTicks }) => delayTicks === longest)) return null;
  const steps = delays.map(({ startTicks, delayTicks }, at) => {
    const change = (delays[at - 1]?.delayTicks ?? longest) - delayTicks;
    return at === 0 ? String(change) : String.raw`gte(PTS\,${startTicks})*(${change})`;
  });
  return `setts=pts=PTS:dts='DTS-(${steps.join('+')})'`;
}

/** Decodes what a list names to nowhere; the slightest fault at a join counts. */
export const decodeListArgs = (listPath: string, lengthSec: number): string[] =>
  decodeToNowhereArgs({
    inputOptions: ['-err_detect', 'explode', ...LIST_GUARD],
    input: fileUrl(listPath),
    withSound: true,
    lengthSec,
  });
