import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Raise it when a recipe changes. */
const VERSION = 1;
const FOLDER = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'videoflow', `bench-${VERSION}`);

/** Moving picture with grain, as cameras give it, and a tone; a key frame every two seconds when nothing else is said. */
const film = (size: string, bitrate: string, durationSec: number, gop = 60): string[] => [
  ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=30:d=${durationSec},noise=alls=6:allf=t`],
  ...['-f', 'lavfi', '-i', `sine=frequency=440:duration=${durationSec}`],
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-b:v', bitrate, '-g', String(gop), '-pix_fmt', 'yuv420p'],
  ...['-c:a', 'aac', '-movflags', '+faststart'],
];

const RECIPES = {
  '10 s, 640x360': async () => film('640x360', '1M', 10),
  '60 s, 1080p30': async () => film('1920x1080', '6M', 60),
  '10 min, 720p30': async () => repeated(film('1280x720', '3M', 60), 10),
  '10 min, 1080p30': async () => repeated(film('1920x1080', '6M', 60), 10),
} as const;

export type VideoName = keyof typeof RECIPES;
export const VIDEO_NAMES = Object.keys(RECIPES) as VideoName[];

/** Encodes a minute once and lays it end to end: nobody waits for ten minutes of encoding. */
async function repeated(recipe: string[], times: number, kind = ''): Promise<string[]> {
  const minute = await made(`minute-${recipe.join(' ').match(/s=(\w+)/)?.[1]}${kind}`, recipe);
  return [
    ...['-stream_loop', String(times - 1), '-i', minute],
    ...['-map', '0', '-c', 'copy', '-movflags', '+faststart'],
  ];
}

async function made(name: string, recipe: string[]): Promise<string> {
  const path = join(FOLDER, `${name.replaceAll(/\W+/g, '-')}.mp4`);
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = join(FOLDER, `unfinished-${process.pid}.mp4`);
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...recipe, unfinished]);
  renameSync(unfinished, path);
  return path;
}

/** Gives the path of a video, making it first when it is not in the user's cache folder. */
export const sampleVideo = async (name: VideoName): Promise<string> => made(name, await RECIPES[name]());

/** Gives ten minutes of 1080p30 with a key frame every `gop` frames. */
export const tenMinutes = async (gop: 60 | 250): Promise<string> =>
  gop === 60
    ? sampleVideo('10 min, 1080p30')
    : made(
        `10 min, 1080p30, gop ${gop}`,
        await repeated(film('1920x1080', '6M', 60, gop), 10, `-gop-${gop}`),
      );
