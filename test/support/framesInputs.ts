import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeMedia } from './mediaFixtures.ts';

/**
 * Videos whose frames can be told apart, for tests of edits; kept in the user's cache folder like the other
 * fixtures. Raise the version when a recipe changes.
 */
const VERSION = 1;
const CACHE = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const FOLDER = join(CACHE, 'videoflow', `frames-${VERSION}`);

export const LENGTH_SEC = 12;

/** A test picture that moves, with grain, so that no frame is like its neighbours. */
const picture = (fps: number) => `testsrc2=s=320x240:r=${fps}:d=${LENGTH_SEC},noise=alls=6:allf=t:all_seed=7`;
/** Noise is like itself at one place only. */
const sound = (seed: number) => `anoisesrc=c=pink:r=44100:seed=${seed}:d=${LENGTH_SEC}:a=0.4`;
const lavfi = (...sources: string[]) => sources.flatMap((source) => ['-f', 'lavfi', '-i', source]);
const h264 = (gop: number, params = 'bframes=3') => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'],
  ...['-g', String(gop), '-x264-params', `scenecut=0:${params}`],
];
const BT709 = [
  ...['-color_range', 'tv', '-colorspace', 'bt709'],
  ...['-color_trc', 'bt709', '-color_primaries', 'bt709'],
];

const RECIPES = {
  /** B-frames, closed groups of a second, marked colours. */
  bFrames: ['mp4', ...lavfi(picture(25), sound(1)), ...h264(25), ...BT709, '-c:a', 'aac'],
  /** Groups that lean on each other, closed every three seconds. */
  openGop: [
    ...['mp4', ...lavfi(picture(25), sound(2)), ...h264(25, 'bframes=3:open-gop=1')],
    ...['-forced-idr', '1', '-force_key_frames', 'expr:gte(t,n_forced*3)', '-c:a', 'aac'],
  ],
  /** The same without any closed point but the first. */
  alwaysOpen: ['mp4', ...lavfi(picture(25)), ...h264(25, 'bframes=3:open-gop=1')],
  hevc: [
    ...['mp4', ...lavfi(picture(25), sound(3)), '-c:v', 'libx265', '-preset', 'ultrafast'],
    ...['-x265-params', 'log-level=error:keyint=25:bframes=3', '-tag:v', 'hvc1', '-c:a', 'aac'],
  ],
  vp9: [
    ...['webm', ...lavfi(picture(25), sound(4)), '-c:v', 'libvpx-vp9', '-deadline', 'realtime'],
    ...['-cpu-used', '8', '-b:v', '2M', '-g', '25', '-c:a', 'libopus', '-b:a', '96k'],
  ],
  /** Frames that come when they come. */
  vfr: [
    ...['mp4', ...lavfi(picture(30), sound(5))],
    ...['-vf', String.raw`select='not(mod(n\,3))+gt(mod(n\,50)\,30)+lt(mod(n\,7)\,2)'`, '-fps_mode', 'vfr'],
    ...[...h264(20), '-c:a', 'aac'],
  ],
  upright: ['mp4', ...lavfi(picture(30), sound(6)), ...h264(30), '-c:a', 'aac'],
  noAudio: ['mp4', ...lavfi(picture(24)), ...h264(24, 'bframes=0')],
  /** Two languages, in two codecs. */
  twoLanguages: [
    ...['mp4', ...lavfi(picture(25), sound(7), sound(8)), '-map', '0:v', '-map', '1:a', '-map', '2:a'],
    ...[...h264(25), '-c:a:0', 'aac', '-c:a:1', 'libmp3lame'],
    ...['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=fra'],
  ],
  matroska: [
    ...['mkv', ...lavfi(picture(25), sound(9)), ...h264(25), '-c:a', 'aac'],
    ...['-metadata:s:a:0', 'language=spa'],
  ],
  /** As recorders of screens make it: milliseconds that no frame of a thirtieth fits. */
  matroska30: ['mkv', ...lavfi(picture(30), sound(12)), ...h264(30), '-c:a', 'aac'],
  /** As phones make it: no two frames are equally long. */
  jittered: [
    ...['mp4', ...lavfi(picture(30), sound(13))],
    ...['-vf', String.raw`settb=1/90000,setpts=PTS+mod(N*7919\,900)`, '-fps_mode', 'passthrough'],
    ...['-enc_time_base', '1/90000', '-video_track_timescale', '90000', ...h264(30), '-c:a', 'aac'],
  ],
  /** As screens are recorded: nothing new for seconds, while somebody speaks. */
  pauses: [
    ...['mp4', ...lavfi(picture(30), sound(14))],
    ...['-vf', String.raw`select=between(t\,0\,2)+between(t\,8\,9)+gte(t\,11)`, '-fps_mode', 'vfr'],
    ...[...h264(30), '-c:a', 'aac'],
  ],
  interlaced: [
    ...['mp4', ...lavfi(picture(25)), ...h264(25), '-flags', '+ilme+ildct', '-top', '1', '-t', '4'],
  ],
  /** A single group of twelve seconds. */
  oneGroup: ['mp4', ...lavfi(picture(25)), ...h264(9999)],
} satisfies Record<string, string[]>;

/** Copies of others with a little done to them. */
const DERIVED = {
  rotated: { from: 'upright', args: ['mp4', '-map', '0', '-c', 'copy', '-metadata:s:v', 'rotate=90'] },
  fragmented: {
    from: 'bFrames',
    args: ['mp4', '-map', '0', '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov'],
  },
  transportStream: { from: 'bFrames', args: ['ts', '-map', '0', '-c', 'copy'] },
  quickTime: { from: 'bFrames', args: ['mov', '-map', '0', '-c', 'copy'] },
} satisfies Record<string, { from: keyof typeof RECIPES; args: string[] }>;

export type FramesInput = keyof typeof RECIPES | keyof typeof DERIVED;

const made = new Map<string, Promise<string>>();

async function make(name: FramesInput): Promise<string> {
  const derived = name in DERIVED ? DERIVED[name as keyof typeof DERIVED] : null;
  const [extension = '', ...args] = derived?.args ?? RECIPES[name as keyof typeof RECIPES];
  const path = join(FOLDER, `${name}.${extension}`);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  await mkdir(FOLDER, { recursive: true });
  const unfinished = join(FOLDER, `${name}-${randomUUID()}.${extension}`);
  try {
    const input = derived ? ['-i', await framesInput(derived.from)] : [];
    await makeMedia(...input, ...args, unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}

/** Gives the path of such a video, making it first when it is not there yet. Do not write to it. */
export function framesInput(name: FramesInput): Promise<string> {
  const known = made.get(name) ?? make(name);
  made.set(name, known);
  return known;
}
