import assert from 'node:assert/strict';
import { type FileHandle, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaToolError, UnusableMediaError } from '../../../src/errors.ts';
import { openIndex } from '../../../src/media/isobmffBox.ts';
import { isIdr } from '../../../src/media/mp4/avc.ts';
import { type Movie, readMovie, type Track } from '../../../src/media/mp4/movie.ts';
import { box } from '../../../src/media/mp4/movieBoxes.ts';
import { readSampleList } from '../../../src/media/mp4/sampleList.ts';
import { createRunner, type Runner } from '../../../src/media/runner.ts';
import { createTrimByEncoding } from '../../../src/media/trim/byEncoding.ts';
import { createLook } from '../../../src/media/trim/smartCut.ts';
import { decodeFrames, type Frame, psnrDb } from '../../support/frames.ts';
import { framesInput } from '../../support/framesInputs.ts';
import {
  keepingLog,
  MEDIA_CONFIG,
  mediaUnderTest,
  quietWatch,
  withFolder,
} from '../../support/mediaAdapter.ts';
import { fixture, makeMedia } from '../../support/mediaFixtures.ts';

const { media } = mediaUnderTest();
const exact = (startSec: number, endSec: number) => ({ startSec, endSec, mode: 'exact' as const });

describe('a trim in which no picture begins', () => {
  const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

  for (const [what, gop, method] of [
    ['copied', '1', 'smart'],
    ['encoded', '9', 'encode'],
  ] as const) {
    it(`shows the one that is shown all the while: ${what}`, () =>
      withFolder(async (folder) => {
        const [inputPath, outputPath] = [join(folder, 'slides.mp4'), join(folder, 'cut.mp4')];
        const slides = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=1/10:d=40'];
        const sound = ['-f', 'lavfi', '-i', 'sine=d=40', '-c:a', 'aac'];
        await makeMedia(...slides, ...sound, ...H264, '-g', gop, inputPath);
        const request = { inputPath, outputPath, facts: await media.probe(inputPath, quietWatch()) };
        const cut = { ...request, ...exact(22, 25) };
        const outcome =
          (await media.trimByCopying(cut, quietWatch())) ?? (await media.trimByEncoding(cut, quietWatch()));
        assert.deepEqual(outcome, { method, usedStartSec: 22, usedEndSec: 25 });
        assert.deepEqual((await readdir(folder)).sort(), ['cut.mp4', 'slides.mp4']);
        const { durationSec, streams } = await media.probe(outputPath, quietWatch());
        assert.ok(Math.abs(durationSec - 3) < 0.03, `${durationSec} s`);
        for (const each of streams) assert.ok(Math.abs((each.durationSec ?? 0) - 3) < 0.03, each.type);
        const [source, result] = [await decodeFrames(inputPath), await decodeFrames(outputPath)];
        assert.equal(result.frames.length, 1);
        const likeness = source.frames.map((frame) => psnrDb(result.frames[0] as Frame, frame, source));
        assert.equal(likeness.indexOf(Math.max(...likeness)), 2);
      }));
  }

  it('says so when none was shown before', () =>
    withFolder(async (folder) => {
      const [inputPath, outputPath] = [join(folder, 'late.mp4'), join(folder, 'cut.mp4')];
      const sound = ['-f', 'lavfi', '-i', 'sine=d=8'];
      const late = ['-itsoffset', '5', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=3'];
      await makeMedia(...sound, ...late, ...H264, '-c:a', 'aac', '-fps_mode', 'passthrough', inputPath);
      const facts = await media.probe(inputPath, quietWatch());
      await assert.rejects(
        media.trimByEncoding({ inputPath, outputPath, facts, ...exact(1, 3) }, quietWatch()),
        (error) => error instanceof UnusableMediaError && error.code === 'corrupt_media',
      );
      assert.deepEqual(await readdir(folder), ['late.mp4']);
    }));
});

describe('a smart cut that takes long', () => {
  it('is left to the queue that encodes, which copies as much', () =>
    withFolder(async (folder) => {
      const inputPath = await framesInput('bFrames');
      // What is said to be so large takes minutes.
      const facts = { ...(await media.probe(inputPath, quietWatch())), width: 16_384, height: 16_384 };
      const request = { inputPath, outputPath: join(folder, 'cut.mp4'), facts, ...exact(1.3, 6.1) };
      assert.equal(await media.trimByCopying(request, quietWatch()), null);
      assert.deepEqual(await readdir(folder), []);
      const watch = quietWatch();
      assert.equal((await media.trimByEncoding(request, watch)).method, 'smart');
      assert.deepEqual(await readdir(folder), ['cut.mp4']);
      assert.deepEqual(
        watch.percents,
        watch.percents.toSorted((one, other) => one - other),
      );
    }));

  it('is not tried again there when it is quick', () =>
    withFolder(async (folder) => {
      const inputPath = await framesInput('bFrames');
      const facts = await media.probe(inputPath, quietWatch());
      const request = { inputPath, outputPath: join(folder, 'cut.mp4'), facts, ...exact(1.3, 6.1) };
      assert.equal((await media.trimByEncoding(request, quietWatch())).method, 'encode');
    }));
});

describe('a trim of a video in rare colours', () => {
  for (const [transfer, told] of [
    ['5', 'bt470bg'],
    ['3', null],
  ] as const) {
    it(`keeps what has a name: transfer ${told ?? 'reserved'}`, () =>
      withFolder(async (folder) => {
        const inputPath = join(folder, 'rare.mp4');
        const marks = `h264_metadata=colour_primaries=${transfer}:transfer_characteristics=${transfer}:matrix_coefficients=${transfer}`;
        await makeMedia('-i', await fixture('noAudio'), '-c', 'copy', '-bsf:v', marks, inputPath);
        const facts = await media.probe(inputPath, quietWatch());
        for (const how of ['trimByCopying', 'trimByEncoding'] as const) {
          const outputPath = join(folder, `${how}.mp4`);
          const outcome = await media[how](
            { inputPath, outputPath, facts, ...exact(0.5, 1.9) },
            quietWatch(),
          );
          assert.ok(outcome, `${how} gave nothing`);
          const { streams } = await media.probe(outputPath, quietWatch());
          if (told) assert.deepEqual([streams[0]?.colorTransfer, streams[0]?.colorPrimaries], [told, told]);
        }
      }));
  }
});

/** Changes a number of 32 bits behind the n-th box of a type, and reads the movie. */
async function readChanged(
  { type, last, at, value }: { type: string; last: boolean; at: number; value: number },
  folder: string,
): Promise<Movie | null> {
  const bytes = await readFile(await fixture('h264'));
  const box = last ? bytes.lastIndexOf(type) : bytes.indexOf(type);
  bytes.writeUInt32BE(value, box + 4 + at);
  const path = join(folder, 'changed.mp4');
  await writeFile(path, bytes);
  return readMovie(path);
}

describe('an index that does not agree with itself', () => {
  for (const [what, change] of [
    ['a sound entry without its fields', { type: 'stsd', last: true, at: 8, value: 16 }],
    ['a picture entry without its fields', { type: 'stsd', last: false, at: 8, value: 60 }],
  ] as const) {
    it(`is not read: ${what}`, () =>
      withFolder(async (folder) => assert.equal(await readChanged(change, folder), null)));
  }

  it('is not read: more samples than sizes', () => {
    const table = (type: string, ...numbers: number[]) =>
      box(type, Buffer.from(Uint32Array.from([0, ...numbers]).buffer).swap32());
    const readWith = (samples: number) => {
      const tables = [
        table('stsz', 0, samples, 100, 100, 100),
        table('stts', 1, 1000, 1),
        table('stsc', 1, 1, 1000, 1),
        table('stco', 1, 48),
      ];
      const bytes = Buffer.concat(tables);
      const whole = { type: 'stbl', start: 0, end: bytes.length };
      return readSampleList(openIndex(bytes), whole);
    };
    assert.deepEqual(Array.from(readWith(3)?.offsets ?? []), [48, 148, 248]);
    assert.equal(readWith(4), null);
  });

  it('is read otherwise', () =>
    withFolder(async (folder) => {
      const movie = await readChanged({ type: 'stsz', last: false, at: 8, value: 60 }, folder);
      assert.equal(movie?.tracks.length, 2);
    }));
});

describe('a result that ffmpeg cut short at its limit', () => {
  it('is refused', () =>
    withFolder(async (folder) => {
      const runner = createRunner({ config: MEDIA_CONFIG, log: keepingLog().log });
      const growing: Runner = {
        ...runner,
        run: async (call, watch) => {
          const run = await runner.run(call, watch);
          await truncate(join(folder, 'cut.mp4.encoded.mp4'), call.limits.fileSizeBytes - 100);
          return run;
        },
      };
      const inputPath = await fixture('noAudio');
      const facts = await media.probe(inputPath, quietWatch());
      const request = { inputPath, outputPath: join(folder, 'cut.mp4'), facts, ...exact(0.5, 0.9) };
      await assert.rejects(
        createTrimByEncoding({ runner: growing })(request, quietWatch()),
        (error) => error instanceof MediaToolError && error.code === 'media_tool_output_too_large',
      );
      assert.deepEqual(await readdir(folder), []);
    }));
});

describe('the look for an IDR picture', () => {
  it('ends when the work is taken back', () => {
    const taken = AbortSignal.abort(new Error('taken back'));
    const look = createLook({} as FileHandle, {} as Track, taken);
    assert.throws(() => look(0), /taken back/);
  });

  it('reads a sample once, however many units it claims to hold', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'zeros');
      await writeFile(path, Buffer.alloc(5000));
      const file = await open(path);
      let reads = 0;
      const counting = {
        read: (...args: Parameters<typeof file.read>) => {
          reads++;
          return file.read(...args);
        },
      } as unknown as typeof file;
      const track = { samples: { offsets: [0], sizes: [5000] } } as unknown as Track;
      assert.equal(await isIdr(counting, track, 0).finally(() => file.close()), false);
      assert.equal(reads, 1);
    }));
});
