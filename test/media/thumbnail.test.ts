import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UnusableMediaError } from '../../src/errors.ts';
import { readJpeg } from '../../src/media/jpeg.ts';
import { mediaUnderTest, quietWatch, withFolder } from '../support/mediaAdapter.ts';
import { type FixtureName, fixture, GOOD_NAMES } from '../support/mediaFixtures.ts';
import { frameOf, likenessDb } from '../support/pictures.ts';

const { media } = mediaUnderTest();

const render = async (name: FixtureName, folder: string, widthPx?: number) => {
  const inputPath = await fixture(name);
  const facts = await media.probe(inputPath, quietWatch());
  const outputPath = join(folder, 'thumbnail.jpg');
  const request = { inputPath, outputPath, facts, ...(widthPx === undefined ? {} : { widthPx }) };
  const thumbnail = await media.renderThumbnail(request, quietWatch());
  return { inputPath, outputPath, facts, thumbnail };
};

describe('renderThumbnail', () => {
  for (const name of GOOD_NAMES) {
    it(`renders ${name} in its true shape, and leaves one file`, () =>
      withFolder(async (folder) => {
        const { outputPath, facts, thumbnail } = await render(name, folder);
        const picture = await readJpeg(outputPath);
        assert.deepEqual(picture, {
          width: thumbnail.width,
          height: thumbnail.height,
          sizeBytes: (await stat(outputPath)).size,
        });
        assert.deepEqual([thumbnail.width % 2, thumbnail.height % 2], [0, 0]);
        assert.ok(thumbnail.width <= Math.min(640, facts.width));
        const stretch = thumbnail.width / thumbnail.height / (facts.width / facts.height);
        assert.ok(Math.abs(stretch - 1) < 0.02, `stretched by ${stretch}`);
        assert.ok(thumbnail.timeSec >= 0 && thumbnail.timeSec <= facts.durationSec);
        assert.deepEqual(await readdir(folder), ['thumbnail.jpg']);
      }));
  }

  it('shows the frame of the time it reports, at ten percent', () =>
    withFolder(async (folder) => {
      const { inputPath, outputPath, thumbnail } = await render('minute', folder);
      assert.equal(thumbnail.timeSec, 6);
      const near = await likenessDb(outputPath, await frameOf(inputPath, thumbnail.timeSec, folder));
      const beside = await likenessDb(outputPath, await frameOf(inputPath, thumbnail.timeSec + 0.1, folder));
      assert.ok(near > 30 && near > beside + 3, `${near} dB, beside ${beside} dB`);
    }));

  it('takes the key frame before ten percent of a long video, and says when that is', () =>
    withFolder(async (folder) => {
      const { inputPath, outputPath, thumbnail } = await render('tenMinutes', folder);
      assert.ok(thumbnail.timeSec > 54 && thumbnail.timeSec <= 60, `${thumbnail.timeSec} s`);
      assert.ok((await likenessDb(outputPath, await frameOf(inputPath, thumbnail.timeSec, folder))) > 30);
    }));

  it('turns a video held upright the way a player does', () =>
    withFolder(async (folder) => {
      const { inputPath, outputPath, thumbnail } = await render('vfrRotated', folder);
      assert.ok(thumbnail.height > thumbnail.width);
      // The reference is turned by ffmpeg itself from the file's matrix.
      assert.ok((await likenessDb(outputPath, await frameOf(inputPath, thumbnail.timeSec, folder))) > 28);
    }));

  it('is as wide as asked, never wider than the video', () =>
    withFolder(async (folder) => {
      assert.equal((await render('minute', folder, 321)).thumbnail.width, 320);
      assert.equal((await render('h264', folder, 1920)).thumbnail.width, 320);
    }));

  it('takes the beginning when the file ends before the time it should show', () =>
    withFolder(async (folder) => {
      const inputPath = await fixture('h264');
      const facts = { ...(await media.probe(inputPath, quietWatch())), durationSec: 90 };
      const request = { inputPath, outputPath: join(folder, 'thumbnail.jpg'), facts };
      assert.equal((await media.renderThumbnail(request, quietWatch())).timeSec, 0);
      const much = { ...request, facts: { ...facts, durationSec: 2_000_000 } };
      assert.ok((await media.renderThumbnail(much, quietWatch())).timeSec < 2);
    }));

  it('says that a video is damaged when no frame of it can be decoded, and leaves nothing', () =>
    withFolder(async (folder) => {
      await assert.rejects(
        render('noiseInside', folder),
        (error) => error instanceof UnusableMediaError && error.code === 'corrupt_media',
      );
      assert.deepEqual(await readdir(folder), []);
    }));
});
