import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storyboardIndex } from '../../src/media/storyboardGrid.ts';
import type { TestApi, TestUser } from './api.ts';
import { fixture, makeMedia } from './mediaFixtures.ts';
import { FACTS, playWorker, upload } from './processedVideo.ts';
import { uniqueName } from './stack.ts';

const DURATION_SEC = 60;
const GRID = { tileWidth: 160, tileHeight: 90, columns: 10, rows: 6, intervalSec: 1, count: 60 };

/** The colour of the sheet's cell for a second of the video: each has one of its own. */
export const cellColor = (second: number): [red: number, green: number, blue: number] => [
  20 + 22 * (second % GRID.columns),
  20 + 40 * Math.floor(second / GRID.columns),
  128,
];

/** Runs ffmpeg for one picture. */
async function makePicture(...args: string[]): Promise<Buffer> {
  const path = join(tmpdir(), `${uniqueName('vf-picture')}.jpg`);
  try {
    await makeMedia(...args, '-frames:v', '1', '-q:v', '2', '-update', '1', path);
    return await readFile(path);
  } finally {
    await rm(path, { force: true });
  }
}

const makeSheet = () =>
  makePicture(
    ...['-f', 'lavfi', '-i', 'color=s=1600x540:d=1:r=1'],
    ...['-vf', "format=gbrp,geq=r='20+22*floor(X/160)':g='20+40*floor(Y/90)':b=128"],
  );

/** Makes a minute of video that is ready, with a poster and a sheet of seek previews. @returns its id */
export async function makeWatchable(api: TestApi, user: TestUser): Promise<string> {
  const path = await fixture('minute');
  const id = await upload(api, user, await readFile(path), '?filename=minute.mp4');
  const worker = playWorker(api, id);
  const [poster, sheet] = [await makePicture('-ss', '6', '-i', path), await makeSheet()];
  const index = storyboardIndex(GRID, DURATION_SEC, 'storyboard.jpg');
  await worker.complete('source');
  await worker.complete('probe', {
    facts: { ...FACTS, durationSec: DURATION_SEC, width: 640, height: 360, rotation: 0 },
  });
  await worker.complete('thumbnail', { assets: [await worker.thumbnail(poster)] });
  await worker.complete('storyboard', {
    assets: await worker.storyboard({ thumbnail: poster, sheet, index }),
  });
  return id;
}
