import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeMedia } from './mediaFixtures.ts';

const run = promisify(execFile);

/** Decodes the frame shown at a time, the slow and certain way: from the beginning. Gives the path of a PNG. */
export async function frameOf(videoPath: string, timeSec: number, folder: string): Promise<string> {
  const path = join(folder, `${randomUUID()}.png`);
  const isShown = String.raw`gte(t\,${Math.max(0, timeSec - 0.002)})`;
  await makeMedia('-i', videoPath, '-vf', `select='${isShown}'`, '-frames:v', '1', '-update', '1', path);
  return path;
}

/** Cuts a rectangle out of a picture. Gives the path of a PNG. */
export async function cropOf(picturePath: string, area: number[], folder: string): Promise<string> {
  const [x, y, width, height] = area;
  const path = join(folder, `${randomUUID()}.png`);
  await makeMedia('-i', picturePath, '-vf', `crop=${width}:${height}:${x}:${y}`, '-update', '1', path);
  return path;
}

/** How alike two pictures are: PSNR in decibels, the second scaled to the first. */
export async function likenessDb(picturePath: string, referencePath: string): Promise<number> {
  const graph =
    '[1:v][0:v]scale2ref=flags=bicubic[b][a];[a]format=rgb24[a1];[b]format=rgb24[b1];[a1][b1]psnr';
  const args = [
    '-hide_banner',
    '-nostdin',
    '-i',
    picturePath,
    '-i',
    referencePath,
    '-lavfi',
    graph,
    '-f',
    'null',
    '-',
  ];
  const { stderr } = await run('ffmpeg', args);
  return Number(/average:([\d.]+|inf)/.exec(stderr)?.[1]?.replace('inf', '100'));
}

/** The times of a video's key frames, in seconds. */
export async function keyframeTimes(videoPath: string): Promise<number[]> {
  const entries = ['-select_streams', 'v:0', '-show_entries', 'packet=pts_time,flags', '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, videoPath]);
  const rows = stdout.split('\n').map((line) => line.split(','));
  return rows.filter(([, flags]) => flags?.startsWith('K')).map(([time]) => Number(time));
}
