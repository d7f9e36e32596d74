import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRunner, type Runner } from '../../../src/media/runner.ts';
import { createTrimByCopying } from '../../../src/media/trim/byCopying.ts';
import type { FramesInput } from '../../support/framesInputs.ts';
import {
  keepingLog,
  MEDIA_CONFIG,
  mediaUnderTest,
  quietWatch,
  withFolder,
} from '../../support/mediaAdapter.ts';
import { fixture } from '../../support/mediaFixtures.ts';
import { sample } from '../../support/sample.ts';
import {
  assertDescribed,
  assertFrames,
  assertSounds,
  framesWithin,
  openSource,
  trim,
  tryCut,
} from './trimCase.ts';

const opened = new Map<FramesInput, ReturnType<typeof openSource>>();
const source = (name: FramesInput) => {
  const known = opened.get(name) ?? openSource(name);
  opened.set(name, known);
  return known;
};

describe('the edges of an exact trim', () => {
  const CASES = [
    ['from the very beginning', 'bFrames', { startSec: 0, endSec: 2.5 }, 'smart'],
    ['to the very end', 'bFrames', { startSec: 8.3, endSec: 12 }, 'smart'],
    ['everything', 'noAudio', { startSec: 0, endSec: 12 }, 'smart'],
    ['exactly between key frames', 'bFrames', { startSec: 2, endSec: 4 }, 'smart'],
    ['inside of one group', 'bFrames', { startSec: 4.2, endSec: 4.7 }, 'encode'],
    ['inside of the only group', 'oneGroup', { startSec: 3.3, endSec: 5.1 }, 'encode'],
    ['turned, inside of one group', 'rotated', { startSec: 4.2, endSec: 4.7 }, 'encode'],
    ['two languages, inside of one group', 'twoLanguages', { startSec: 6.03, endSec: 6.9 }, 'encode'],
    ['one frame', 'bFrames', { startSec: 5.08, endSec: 5.11 }, 'encode'],
    ['one frame that can be copied', 'bFrames', { startSec: 11, endSec: 11.04 }, 'smart'],
    ['a key frame and the first frames behind it', 'noAudio', { startSec: 4, endSec: 4.2 }, 'smart'],
    ['groups that are never closed', 'alwaysOpen', { startSec: 2.3, endSec: 6.1 }, 'encode'],
    ['interlaced', 'interlaced', { startSec: 1.1, endSec: 3.2 }, 'encode'],
    ['Matroska', 'matroska', { startSec: 1.71, endSec: 5.03 }, 'smart'],
    ['thirds of milliseconds', 'matroska30', { startSec: 1.71, endSec: 5.03 }, 'smart'],
    ['frames that come early and late', 'jittered', { startSec: 1.71, endSec: 5.03 }, 'smart'],
    ['frames that come early and late, all encoded', 'jittered', { startSec: 4.2, endSec: 4.7 }, 'encode'],
    ['fragments', 'fragmented', { startSec: 1.71, endSec: 5.03 }, 'smart'],
    ['QuickTime', 'quickTime', { startSec: 1.71, endSec: 5.03 }, 'smart'],
    [
      'a transport stream, which begins later than zero',
      'transportStream',
      { startSec: 1.71, endSec: 5.03 },
      'encode',
    ],
  ] as const;

  it('leaves out the odd line of a picture with odd sides', () =>
    withFolder(async (folder) => {
      const { media } = mediaUnderTest();
      const inputPath = await fixture('oddSize');
      const facts = await media.probe(inputPath, quietWatch());
      const outputPath = join(folder, 'cut.mp4');
      const request = { inputPath, outputPath, facts, startSec: 0.5, endSec: 1, mode: 'exact' } as const;
      assert.equal(await media.trimByCopying(request, quietWatch()), null);
      await media.trimByEncoding(request, quietWatch());
      const { width, height, durationSec } = await media.probe(outputPath, quietWatch());
      assert.deepEqual({ width, height, durationSec }, { width: 320, height: 240, durationSec: 0.5 });
    }));

  for (const [what, name, cut, method] of sample('edges', CASES, 8)) {
    it(`holds them: ${what}`, async () => {
      const trimmed = await tryCut(await source(name), cut);
      assert.equal(trimmed.method, method);
    });
  }
});

describe('a trim of a video with pauses', () => {
  const cuts = [
    ['ends in a pause', 1, 7.5],
    ['begins in a pause', 4, 8.5],
    ['begins and ends in one', 4, 10],
    ['lies within one', 3, 7],
  ] as const;
  for (const [what, startSec, endSec] of sample('pauses', cuts, 2)) {
    it(`keeps all of its sound when it ${what}`, () =>
      withFolder(async (folder) => {
        const from = await source('pauses');
        const { outcome, ...result } = await trim(from, { startSec, endSec, mode: 'exact' }, folder);
        assert.deepEqual(
          [outcome.usedStartSec, outcome.usedEndSec].map((time) => Math.round((time ?? 0) * 100) / 100),
          [startSec, endSec],
        );
        await assertSounds(from, { outcome, ...result }, startSec);
      }));
  }
});

describe('a trim at key frames', () => {
  const inputs = [
    ...['openGop', 'hevc', 'vp9', 'matroska', 'transportStream'],
    ...['bFrames', 'vfr', 'rotated', 'noAudio'],
  ] as FramesInput[];
  for (const name of sample('key frames', inputs, 3)) {
    it(`copies ${name} and tells the times it really used`, () =>
      withFolder(async (folder) => {
        const from = await source(name);
        const cut = { startSec: 4.3, endSec: 7.2, mode: 'keyframe' } as const;
        const result = await trim(from, cut, folder);
        const { method, usedStartSec, usedEndSec } = result.outcome;
        assert.equal(method, 'copy');
        const used = { startSec: usedStartSec ?? -1, endSec: usedEndSec ?? -1 };
        assert.ok(used.startSec <= cut.startSec && used.endSec >= cut.endSec - 0.05, JSON.stringify(used));
        assert.ok(from.keyframesSec.some((time) => Math.abs(time - used.startSec) < 0.002));
        const same = assertFrames(
          from,
          result,
          framesWithin(from, { startSec: used.startSec - 0.001, endSec: used.endSec - 0.001 }),
        );
        assert.ok(same.every(Boolean), 'a frame is not the very same');
        await assertSounds(from, result, used.startSec);
        await assertDescribed(from, result);
      }));
  }

  it('begins at the key frame before the start where groups are closed', () =>
    withFolder(async (folder) => {
      const { outcome } = await trim(
        await source('bFrames'),
        { startSec: 4.3, endSec: 7.2, mode: 'keyframe' },
        folder,
      );
      assert.equal(outcome.usedStartSec, 4);
    }));
});

/** A runner that spoils what a command has made before anybody sees it. */
function spoiling(isSpoiled: (path: string) => boolean, spoil: (path: string) => Promise<void>): Runner {
  const runner = createRunner({ config: MEDIA_CONFIG, log: keepingLog().log });
  return {
    ...runner,
    run: async (call, watch) => {
      const run = await runner.run(call, watch);
      const path = String(call.args.at(-1)).replace(/^file:/, '');
      if (isSpoiled(path)) await spoil(path);
      return run;
    },
  };
}

describe('a smart cut that did not turn out well', () => {
  const attempt = (runner: Runner, folder: string) =>
    source('bFrames').then(({ path, facts }) =>
      createTrimByCopying({ runner })(
        {
          inputPath: path,
          outputPath: join(folder, 'result.mp4'),
          facts,
          startSec: 1.3,
          endSec: 6.1,
          mode: 'exact',
        },
        quietWatch(),
      ),
    );

  it('is given up when what was encoded cannot be decoded', () =>
    withFolder(async (folder) => {
      const runner = spoiling(
        (path) => path.endsWith('.head.mp4'),
        async (path) => {
          const bytes = await readFile(path);
          const media = bytes.indexOf('mdat') + 4;
          bytes.fill(0xa5, media + 900, bytes.indexOf('moov') - 4);
          await writeFile(path, bytes);
        },
      );
      assert.equal(await attempt(runner, folder), null);
      assert.deepEqual(await readdir(folder), []);
    }));

  it('is given up when what was encoded is missing', () =>
    withFolder(async (folder) => {
      const runner = spoiling(
        (path) => path.endsWith('.head.mp4'),
        (path) => writeFile(path, ''),
      );
      assert.equal(await attempt(runner, folder), null);
      assert.deepEqual(await readdir(folder), []);
    }));

  it('would have been kept otherwise', () =>
    withFolder(async (folder) => {
      const runner = spoiling(
        () => false,
        async () => undefined,
      );
      assert.equal((await attempt(runner, folder))?.method, 'smart');
    }));
});

describe('a trim that is taken back', () => {
  for (const how of ['trimByCopying', 'trimByEncoding'] as const) {
    it(`leaves nothing: ${how}`, () =>
      withFolder(async (folder) => {
        const { media } = mediaUnderTest();
        const { path, facts } = await source('bFrames');
        const aborting = new AbortController();
        const watch = {
          signal: aborting.signal,
          onProgress: () => aborting.abort(new Error('taken back')),
        };
        const request = { inputPath: path, outputPath: join(folder, 'result.mp4'), facts };
        await assert.rejects(
          media[how]({ ...request, startSec: 0.5, endSec: 11, mode: 'exact' }, watch),
          /taken back/,
        );
        assert.deepEqual(await readdir(folder), []);
      }));
  }
});
