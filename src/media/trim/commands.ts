import { type MediaFacts, type MediaStream, soundStreamsOf, videoStreamOf } from '../../domain/media.ts';
import { colorOptions } from '../colorOptions.ts';
import { assemble, fileUrl, PRINT_TIME, progressTo } from '../commands.ts';
import { decodeToNowhereArgs } from '../decodeArgs.ts';
import { FILE_GUARD } from '../safety.ts';

/** The argument lists of trimming, as pure functions. */

/** Nine decimals: thresholds lie between pictures, and half a microsecond matters. */
const seconds = (value: number): string => value.toFixed(9);

/** The pictures of a range, and where reading begins. */
export interface Range {
  /** Whole seconds, so that the shift it makes is exact in every time base. */
  seekSec: number;
  /**
   * Counted from the seek point. The pictures with from <= t < to are taken; when `isOwnLine`, by the
   * file's own times, else counted from where a player begins.
   */
  fromSec: number;
  toSec: number;
  /** Sound is wanted until then. */
  soundToSec: number;
  isOwnLine: boolean;
}

export interface EncodeCommand {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  range: Range;
  encoder: string[];
  sound: string[];
  fileSizeBytes: number;
}

/** Sound is read a little further than the pictures: its packets do not end with them. */
const READ_ON_SEC = 0.3;

/** Ticks of a second in which edit lists of what we make for ourselves are told. */
const FINE_TIMESCALE = '1000000';

/** Pictures in 4:2:0 have even sides; VP9 and 4:4:4 may have others. A line that is missing shows less than one that is made up. */
const EVEN_SIDES = 'crop=trunc(iw/2)*2:trunc(ih/2)*2';

const isTaken = ({ fromSec, toSec }: Range): string =>
  String.raw`select='gte(t\,${seconds(fromSec)})*lt(t\,${seconds(toSec)})'`;

const readFrom = ({ seekSec, soundToSec }: Range): string[] => [
  ...(seekSec > 0 ? ['-ss', String(seekSec)] : []),
  ...['-t', (soundToSec + READ_ON_SEC).toFixed(6)],
];

/** Encodes the pictures of a range again, unturned, each at its own time. Standard output tells their times. */
export function encodeRangeArgs(command: EncodeCommand): string[] {
  const { range, streamIndex, inputPath, outputPath, encoder, sound, fileSizeBytes } = command;
  const { seekSec, isOwnLine } = range;
  const filters = [
    ...(isOwnLine ? [`setpts=PTS-${seekSec}/TB`] : []),
    isTaken(range),
    PRINT_TIME,
    EVEN_SIDES,
  ];
  return assemble({
    global: [...progressTo('pipe:1'), ...(isOwnLine ? ['-copyts'] : [])],
    inputOptions: [...FILE_GUARD, '-noautorotate', ...readFrom(range)],
    input: fileUrl(inputPath),
    outputOptions: [
      ...['-map', `0:${streamIndex}`, '-vf', filters.join(',')],
      ...['-fps_mode', 'passthrough', '-enc_time_base', '-1', ...encoder],
      ...[...sound, '-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'],
      ...['-movie_timescale', FINE_TIMESCALE, '-fs', String(fileSizeBytes), '-f', 'mp4'],
    ],
    output: fileUrl(outputPath),
  });
}

/** Decodes the pictures of a range to nowhere; standard output tells their times. */
export function pictureTimesArgs({
  inputPath,
  streamIndex,
  range,
}: Pick<EncodeCommand, 'inputPath' | 'streamIndex' | 'range'>): string[] {
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: [...FILE_GUARD, ...readFrom(range)],
    input: fileUrl(inputPath),
    outputOptions: [
      ...['-map', `0:${streamIndex}`, '-vf', [isTaken(range), PRINT_TIME].join(',')],
      ...['-an', '-sn', '-dn', '-fps_mode', 'passthrough', '-f', 'null'],
    ],
    output: 'pipe:1',
  });
}

/** Lays the same packets into an MP4 whose index can be read. */
export function remuxArgs(inputPath: string, outputPath: string, facts: MediaFacts, limitBytes: number) {
  const sound = soundStreamsOf(facts);
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [
      ...[facts.videoStreamIndex, ...sound.map(({ index }) => index)].flatMap((index) => [
        '-map',
        `0:${index}`,
      ]),
      ...['-sn', '-dn', '-c', 'copy', '-map_chapters', '-1', '-movie_timescale', FINE_TIMESCALE],
      ...['-strict', 'experimental', '-fs', String(limitBytes), '-f', 'mp4'],
    ],
    output: fileUrl(outputPath),
  });
}

/** Decodes the pictures between two times of a result to nowhere. */
export function decodeWindowArgs(path: string, { fromSec, toSec }: { fromSec: number; toSec: number }) {
  const lengthSec = toSec - Math.max(0, fromSec);
  const place = [...(fromSec > 0 ? ['-ss', fromSec.toFixed(6)] : []), '-t', lengthSec.toFixed(6)];
  return decodeToNowhereArgs({
    inputOptions: [...FILE_GUARD, ...place],
    input: fileUrl(path),
    withSound: false,
    // The place is exact; the end of what is written is not meant to cut anything.
    lengthSec: lengthSec + 1,
  });
}

/** Arguments of ffprobe: how many packets each stream has, where it begins and how long it is. */
export const countPacketsArgs = (path: string): string[] => [
  ...['-hide_banner', '-v', 'error', ...FILE_GUARD, '-of', 'json=compact=1', '-count_packets'],
  ...['-show_entries', 'stream=codec_type,nb_read_packets,start_time,duration', '-i', fileUrl(path)],
];

const colorsOf = ({ colorRange, colorPrimaries, colorTransfer, colorSpace }: MediaStream): string[] => [
  ...colorOptions({
    ...{ range: colorRange, primaries: colorPrimaries },
    ...{ transfer: colorTransfer, space: colorSpace },
  }),
  // The encoder leaves out the usual range when it has nothing else to say of colours.
  ...(colorRange === 'tv' ? ['-bsf:v', 'h264_metadata=video_full_range_flag=0'] : []),
];

const PROFILES: Record<string, string> = {
  'Constrained Baseline': 'baseline',
  Baseline: 'baseline',
  Main: 'main',
  High: 'high',
};

/** Gives x264's name for the profile of a stream; null when pieces of it cannot be made to match. */
export const profileOf = ({ profile }: MediaStream): string | null => PROFILES[profile ?? ''] ?? null;

/** Only a few pictures: better than the eye needs, so that nobody sees where they begin. */
const SEAM_QUALITY = '12';

/** Encodes to match the pieces that are copied; its parameter sets have a number of their own. */
export function seamEncoder(facts: MediaFacts, setId: number): string[] {
  const stream = videoStreamOf(facts) as MediaStream;
  const level = stream.level && stream.level > 9 ? `:level=${stream.level / 10}` : '';
  return [
    ...['-an', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', SEAM_QUALITY],
    ...['-pix_fmt', stream.pixelFormat ?? 'yuv420p', '-profile:v', profileOf(stream) ?? 'high'],
    ...['-x264-params', `sps-id=${setId}:stitchable=1${level}`, ...colorsOf(stream)],
  ];
}

/** A key frame at least this often: the result can be cut again without encoding. */
const KEYFRAME_EVERY_SEC = 2;
const [SHORTEST_GOP, LONGEST_GOP] = [12, 250];
/** Above 40 dB with grain, too: 18 falls below that in places. */
const QUALITY = '15';
const FIELD_ORDERS: Record<string, string> = { tt: '1', tb: '1', bb: '0', bt: '0' };

/** Encodes a whole range: H.264 in 8 bit 4:2:0, which everything plays. */
export function wholeEncoder(facts: MediaFacts): string[] {
  const stream = videoStreamOf(facts) as MediaStream;
  const gop = Math.round((facts.fps ?? 30) * KEYFRAME_EVERY_SEC);
  const topFirst = FIELD_ORDERS[stream.fieldOrder ?? ''];
  return [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', QUALITY],
    ...['-g', String(Math.min(LONGEST_GOP, Math.max(SHORTEST_GOP, gop)))],
    ...['-pix_fmt', stream.pixelFormat === 'yuvj420p' ? 'yuvj420p' : 'yuv420p'],
    ...(topFirst ? ['-flags', '+ilme+ildct', '-top', topFirst] : []),
    ...colorsOf(stream),
  ];
}

/** Taken as it is into an MP4 that everything plays. */
const KEPT_SOUND = ['aac', 'mp3'];
const BITRATE_PER_CHANNEL = 80_000;
const MOST_CHANNELS = 6;

/** All sound tracks: copied where they play everywhere, else AAC. */
export function soundOptions(facts: MediaFacts): string[] {
  return soundStreamsOf(facts).flatMap(({ index, codec, channels, language }, at) => {
    const kept = Math.min(channels ?? 2, MOST_CHANNELS);
    const encoded = [
      ...[`-c:a:${at}`, 'aac', `-b:a:${at}`, String(Math.max(2, kept) * BITRATE_PER_CHANNEL)],
      // What is missing in the middle becomes silence, instead of moving the rest.
      ...[`-filter:a:${at}`, 'aresample=async=1:min_hard_comp=0.02'],
      ...((channels ?? 2) > MOST_CHANNELS ? [`-ac:a:${at}`, String(kept)] : []),
    ];
    return [
      ...['-map', `0:${index}`, ...(KEPT_SOUND.includes(codec) ? [`-c:a:${at}`, 'copy'] : encoded)],
      ...(language ? [`-metadata:s:a:${at}`, `language=${language}`] : []),
    ];
  });
}
