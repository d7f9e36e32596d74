import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PictureFormat } from '../../src/domain/picture.ts';
import { UnusableMediaError } from '../../src/errors.ts';
import { picturePlaces } from '../../src/media/picture.ts';
import { pictureArgs } from '../../src/media/pictureCommands.ts';
import { FILE_GUARD } from '../../src/media/safety.ts';
import { mediaUnderTest, quietWatch, withFolder } from '../support/mediaAdapter.ts';
import { type FixtureName, fixture, makeMedia } from '../support/mediaFixtures.ts';
import { likenessDb } from '../support/pictures.ts';

const { media } = mediaUnderTest();

interface Wish {
  timeSec: number;
  format?: PictureFormat;
  share?: number;
}

/** Renders in the source's size, or a share of it. */
async function render(name: FixtureName, folder: string, { timeSec, format = 'jpg', share = 1 }: Wish) {
  const inputPath = await fixture(name);
  const facts = await media.probe(inputPath, quietWatch());
  const outputPath = join(folder, `picture.${format}`);
  const [width, height] = [facts.width, facts.height].map((side) => Math.floor((side * share) / 2) * 2);
  const size = { width: width as number, height: height as number };
  const request = { inputPath, outputPath, facts, timeSec, format, ...size };
  return { inputPath, outputPath, facts, size, picture: await media.renderPicture(request, quietWatch()) };
}

/** None of the fixtures has one that stays longer. */
const LONGEST_FRAME_SEC = 0.5;

/** What is on the screen at a time, the slow and certain way: decoded from the beginning, the last frame that has begun. */
async function shownAt(videoPath: string, timeSec: number, folder: string): Promise<string> {
  const path = join(folder, `shown-${timeSec}.png`);
  const hasBegun = String.raw`select='between(t\,${timeSec - LONGEST_FRAME_SEC}\,${timeSec + 0.002})'`;
  await makeMedia('-i', videoPath, '-vf', hasBegun, '-fps_mode', 'passthrough', '-update', '1', path);
  return path;
}

/** Each of another container or codec, at times between two frames and far from key frames. */
const EXACT: [FixtureName, number][] = [
  ['minute', 12.3],
  ['h264', 2],
  ['vfrRotated', 3.3],
  ['rotated180', 1],
  ['hevc10', 2.1],
  ['vp9OneKeyframe', 9.9],
  // Their times are counted in whole frames of 40 ms.
  ['avi', 2.3],
  ['ogg', 1.3],
  // No index: a seek lands behind the key frame.
  ['transportStream', 3.5],
  ['programStream', 1.5],
  ['oneFrame', 0],
];

describe('renderPicture', () => {
  for (const [name, timeSec] of EXACT) {
    it(`shows what a player shows of ${name} at ${timeSec} s`, () =>
      withFolder(async (folder) => {
        const { inputPath, outputPath } = await render(name, folder, { timeSec });
        const near = await likenessDb(outputPath, await shownAt(inputPath, timeSec, folder));
        assert.ok(near > 32, `${near} dB`);
      }));
  }

  it('shows no neighbour of the frame', () =>
    withFolder(async (folder) => {
      const { inputPath, outputPath } = await render('vp9', folder, { timeSec: 5.7 });
      const [before, near, after] = await Promise.all(
        [5.64, 5.7, 5.74].map(async (at) => likenessDb(outputPath, await shownAt(inputPath, at, folder))),
      );
      assert.ok((near ?? 0) > Math.max(before ?? 100, after ?? 100) + 3, `${before}, ${near}, ${after} dB`);
    }));

  it('gives both formats in the size asked, whole, and leaves one file', async () => {
    for (const [format, contentType] of [
      ['jpg', 'image/jpeg'],
      ['webp', 'image/webp'],
    ] as const) {
      await withFolder(async (folder) => {
        const wish = { timeSec: 1, format, share: 0.5 };
        const { inputPath, outputPath, size, picture } = await render('h264', folder, wish);
        const { size: sizeBytes } = await stat(outputPath);
        assert.deepEqual(picture, { ...size, sizeBytes, contentType });
        assert.deepEqual(await readdir(folder), [`picture.${format}`]);
        const likeness = await likenessDb(outputPath, await shownAt(inputPath, 1, folder));
        assert.ok(likeness > 22, `${format}: ${likeness} dB`);
      });
    }
  });

  it('has pixels that are not square in their true shape', () =>
    withFolder(async (folder) => {
      const { facts, picture } = await render('anamorphic', folder, { timeSec: 1 });
      assert.deepEqual([facts.width, picture.width, picture.height], [1024, 1024, 576]);
    }));

  it('shows the last frame where the video ends before the time', () =>
    withFolder(async (folder) => {
      const { inputPath, outputPath } = await render('h264', folder, { timeSec: 20 });
      assert.ok((await likenessDb(outputPath, await shownAt(inputPath, 2, folder))) > 32);
    }));

  it('says that a video is damaged when no frame of it can be decoded, and leaves nothing', () =>
    withFolder(async (folder) => {
      await assert.rejects(
        render('noiseInside', folder, { timeSec: 1 }),
        (error) => error instanceof UnusableMediaError && error.code === 'corrupt_media',
      );
      assert.deepEqual(await readdir(folder), []);
    }));
});

describe('pictureArgs', () => {
  const command = { inputPath: '/in', outputPath: '/out', streamIndex: 3, width: 320, height: 180 };

  it('guards the input, takes one frame of the chosen stream, and keeps the times of the file', () => {
    const args = pictureArgs({ ...command, timeSec: 12.3, seekSec: 12.3, format: 'webp' });
    const input = args.indexOf('-i');
    for (const option of [...FILE_GUARD, '-copyts']) assert.ok(args.indexOf(option) < input, option);
    assert.equal(args[args.indexOf('-ss') + 1], '12.300');
    assert.equal(args[args.indexOf('-map') + 1], '0:3');
    assert.equal(args[args.indexOf('-frames:v') + 1], '1');
    assert.ok(args.includes('libwebp') && args.includes('-fs'));
    assert.ok(args.indexOf('-vf') > input);
  });

  it('does not seek to the beginning', () => {
    assert.ok(!pictureArgs({ ...command, timeSec: 5, seekSec: 0, format: 'jpg' }).includes('-ss'));
  });
});

describe('picturePlaces', () => {
  it('goes back as far as need be, and to no place twice', () => {
    assert.deepEqual(picturePlaces(100), [100, 90, 0]);
    assert.deepEqual(picturePlaces(7.5), [7.5, 0]);
    assert.deepEqual(picturePlaces(0), [0]);
  });
});
