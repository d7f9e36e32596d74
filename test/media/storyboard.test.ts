import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UnusableMediaError } from '../../src/errors.ts';
import { readJpeg } from '../../src/media/jpeg.ts';
import { mediaUnderTest, quietWatch, withFolder } from '../support/mediaAdapter.ts';
import { type FixtureName, fixture, GOOD_NAMES } from '../support/mediaFixtures.ts';
import { cropOf, frameOf, keyframeTimes, likenessDb } from '../support/pictures.ts';
import { sample } from '../support/sample.ts';

const render = async (name: FixtureName, folder: string) => {
  const { media, lines } = mediaUnderTest();
  const inputPath = await fixture(name);
  const facts = await media.probe(inputPath, quietWatch());
  const [imagePath, indexPath] = [join(folder, 'sheet.jpg'), join(folder, 'index.vtt')];
  const watch = quietWatch();
  const request = { inputPath, imagePath, indexPath, facts, imageName: 'storyboard.jpg' };
  const storyboard = await media.renderStoryboard(request, watch);
  const renderLines = lines.filter((line) => line.tool === 'ffmpeg');
  return {
    inputPath,
    imagePath,
    facts,
    storyboard,
    watch,
    renderLines,
    index: await readFile(indexPath, 'utf8'),
  };
};

const seconds = (clock: string): number => {
  const [hours, minutes, rest] = clock.split(':').map(Number) as [number, number, number];
  return hours * 3600 + minutes * 60 + rest;
};

const readCues = (index: string) => {
  assert.ok(index.startsWith('WEBVTT\n\n'));
  const pattern = /^(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;
  return [...index.matchAll(pattern)].map(([, from = '', to = '', image, ...area]) => ({
    ...{ from: seconds(from), to: seconds(to), image },
    area: area.map(Number),
  }));
};

describe('renderStoryboard', () => {
  for (const name of sample('storyboards', GOOD_NAMES, 12)) {
    it(`covers ${name} without gap or overlap, in its true shape`, () =>
      withFolder(async (folder) => {
        const { facts, storyboard, index, imagePath } = await render(name, folder);
        const { tileWidth, tileHeight, columns, rows, count, intervalSec } = storyboard;
        const sheet = await readJpeg(imagePath);
        assert.deepEqual([sheet?.width, sheet?.height], [tileWidth * columns, tileHeight * rows]);
        assert.ok(count >= 1 && count <= 100 && count <= columns * rows && intervalSec >= 1);
        assert.ok(Math.abs(tileWidth / tileHeight / (facts.width / facts.height) - 1) < 0.03);

        const cues = readCues(index);
        assert.equal(cues.length, count);
        assert.equal(cues[0]?.from, 0);
        assert.equal(cues.at(-1)?.to, facts.durationSec);
        for (const [at, cue] of cues.entries()) {
          assert.equal(cue.image, 'storyboard.jpg');
          assert.ok(cue.to > cue.from);
          if (at > 0) assert.equal(cue.from, cues[at - 1]?.to);
          const [x = 0, y = 0, width = 0, height = 0] = cue.area;
          assert.ok(x + width <= tileWidth * columns && y + height <= tileHeight * rows);
        }
        assert.deepEqual((await readdir(folder)).sort(), ['index.vtt', 'sheet.jpg']);
      }));
  }

  const withKeyframes = ['minute', 'hevc10', 'vp9', 'transportStream', 'vfrRotated'] as const;
  for (const name of sample('tiles', withKeyframes, 2)) {
    it(`shows in each tile of ${name} the first key frame of its cell, or the last before it`, () =>
      withFolder(async (folder) => {
        const { inputPath, imagePath, storyboard, index } = await render(name, folder);
        const { intervalSec, count } = storyboard;
        const [first = 0, ...others] = await keyframeTimes(inputPath);
        const times = [0, ...others.map((time) => time - first)];
        for (const cell of [0, 1, Math.floor(count / 2), count - 1]) {
          const [from, to] = [cell * intervalSec, (cell + 1) * intervalSec];
          const shownSec =
            times.find((time) => time >= from && time < to) ?? times.findLast((time) => time < from);
          const tile = await cropOf(imagePath, readCues(index)[cell]?.area ?? [], folder);
          const likeness = await likenessDb(tile, await frameOf(inputPath, shownSec ?? 0, folder));
          assert.ok(likeness > 20, `cell ${cell} at ${shownSec} s: ${likeness} dB`);
        }
      }));
  }

  for (const name of sample('few key frames', ['vp9OneKeyframe', 'oneKeyframe'] as const, 1)) {
    it(`shows in each tile of ${name}, which has few key frames, the beginning of its cell`, () =>
      withFolder(async (folder) => {
        const { inputPath, imagePath, storyboard, index } = await render(name, folder);
        for (const cell of [0, 1, storyboard.count - 2]) {
          const tile = await cropOf(imagePath, readCues(index)[cell]?.area ?? [], folder);
          const likeness = await likenessDb(
            tile,
            await frameOf(inputPath, cell * storyboard.intervalSec, folder),
          );
          assert.ok(likeness > 20, `cell ${cell}: ${likeness} dB`);
        }
      }));
  }

  it('keeps a picture that begins after its sound in its place', () =>
    withFolder(async (folder) => {
      const { inputPath, imagePath, index } = await render('latePicture', folder);
      // Counted from the first frame, which stands for what is before it.
      for (const [cell, frameSec] of [0, 0, 1, 2].entries()) {
        const tile = await cropOf(imagePath, readCues(index)[cell]?.area ?? [], folder);
        const likeness = await likenessDb(tile, await frameOf(inputPath, 1 + frameSec, folder));
        assert.ok(likeness > 20, `cell ${cell}: ${likeness} dB`);
      }
    }));

  it('decodes only key frames where there are enough, of every codec', () =>
    withFolder(async (folder) => {
      for (const name of ['minute', 'vp9', 'hevc10', 'transportStream'] as const) {
        const { renderLines } = await render(name, folder);
        assert.equal(renderLines.length, 2, name);
        assert.ok(renderLines.some((line) => line.argv?.some((argument) => argument.includes('noise=drop'))));
      }
      assert.equal((await render('vp9OneKeyframe', folder)).renderLines.length, 3);
    }));

  it('has at most a hundred tiles however long the video is', () =>
    withFolder(async (folder) => {
      const { storyboard } = await render('tenMinutes', folder);
      assert.deepEqual([storyboard.count, storyboard.intervalSec, storyboard.columns], [100, 6, 10]);
    }));

  it('tells its progress cell by cell while everything is decoded, and never that it is done', () =>
    withFolder(async (folder) => {
      // Its one sheet is written at the very end: what ffmpeg says of its output would be nothing, then all.
      const { watch, storyboard } = await render('bigOneKeyframe', folder);
      assert.equal(storyboard.count, 100);
      for (let at = 1; at < watch.percents.length; at++) {
        const step = (watch.percents[at] ?? 0) - (watch.percents[at - 1] ?? 0);
        assert.ok(step >= 0 && step <= 5, `from ${watch.percents[at - 1]} to ${watch.percents[at]} percent`);
      }
      assert.ok((watch.percents[0] ?? 99) <= 1);
      assert.equal(watch.percents.at(-1), 99);
    }));

  it('counts its progress by cells while key frames are taken out', () =>
    withFolder(async (folder) => {
      const { watch } = await render('tenMinutes', folder);
      assert.deepEqual(
        watch.percents,
        watch.percents.toSorted((a, b) => a - b),
      );
      assert.equal(watch.percents.at(-1), 99);
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
