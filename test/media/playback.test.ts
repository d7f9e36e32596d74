import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MediaFacts } from '../../src/domain/media.ts';
import { planPlayback } from '../../src/domain/playback.ts';
import { MediaToolError, UnusableMediaError } from '../../src/errors.ts';
import type { Media } from '../../src/media/index.ts';
import { planPicture } from '../../src/media/playback.ts';
import { createPlaybackCheck } from '../../src/media/playbackCheck.ts';
import { decodePartArgs, playbackArgs } from '../../src/media/playbackCommands.ts';
import type { ToolRun } from '../../src/media/runner.ts';
import { FILE_GUARD } from '../../src/media/safety.ts';
import { mediaUnderTest, quietWatch, withFolder } from '../support/mediaAdapter.ts';
import { type FixtureName, fixture } from '../support/mediaFixtures.ts';
import { frameOf, likenessDb } from '../support/pictures.ts';
import { sample } from '../support/sample.ts';

const run = promisify(execFile);
const { media } = mediaUnderTest();

interface Looked {
  frames: number;
  /** Of the first picture and, where there is one, of the first sound. */
  starts: number[];
}

/** Decodes and counts every frame. */
async function look(path: string): Promise<Looked> {
  const entries = ['-show_entries', 'stream=codec_type,nb_read_frames,start_time', '-of', 'json'];
  const { stdout } = await run('ffprobe', ['-v', 'fatal', '-count_frames', ...entries, path]);
  const streams = (JSON.parse(stdout) as { streams: Record<string, string>[] }).streams;
  const first = (type: string) => streams.find(({ codec_type }) => codec_type === type);
  const found = [first('video'), first('audio')].filter((stream) => stream !== undefined);
  return {
    frames: Number(first('video')?.nb_read_frames),
    starts: found.map(({ start_time }) => Number(start_time)),
  };
}

async function make(name: FixtureName, folder: string, by: Media = media) {
  const inputPath = await fixture(name);
  const facts = await by.probe(inputPath, quietWatch());
  const request = { inputPath, outputPath: join(folder, 'playback.mp4'), facts };
  const watch = quietWatch();
  const copied = await by.copyPlayback(request, watch);
  const playback = copied ?? (await by.encodePlayback(request, watch));
  const way = copied ? 'copied' : 'encoded';
  return { ...request, playback, way, percents: watch.percents };
}

const lagOf = ({ starts: [picture, sound] }: Looked) => (sound === undefined ? 0 : sound - (picture ?? 0));

/** What each source becomes; `db` is how alike a frame in the middle must be, where the picture was touched. */
const CASES: [FixtureName, { way: 'copied' | 'encoded'; size: string; sounds?: string[]; db?: number }][] = [
  ['h264', { way: 'copied', size: '320x240', sounds: ['aac'] }],
  ['mov', { way: 'copied', size: '320x240', sounds: ['aac'] }],
  ['fragmented', { way: 'copied', size: '640x360', sounds: ['aac'] }],
  ['transportStream', { way: 'copied', size: '320x240', sounds: ['aac'] }],
  ['manyTracks', { way: 'copied', size: '320x240', sounds: ['aac ger', 'aac eng'] }],
  ['vfrRotated', { way: 'copied', size: '360x640', sounds: ['aac'], db: 40 }],
  ['anamorphic', { way: 'copied', size: '1024x576' }],
  ['oneFrame', { way: 'copied', size: '320x240' }],
  ['foreignSound', { way: 'encoded', size: '320x240', sounds: ['aac ger', 'aac eng'] }],
  ['oldVfrRotated', { way: 'encoded', size: '360x640', sounds: ['aac'], db: 30 }],
  ['hevc10', { way: 'encoded', size: '640x360', db: 30 }],
  ['prores', { way: 'encoded', size: '320x240', db: 30 }],
  ['oddSize', { way: 'encoded', size: '320x240', db: 25 }],
  ['interlaced', { way: 'encoded', size: '512x288' }],
  ['avi', { way: 'encoded', size: '320x240', sounds: ['mp3'], db: 30 }],
];

describe('playback', function () {
  this.timeout(30_000);

  const copied = CASES.filter(([, { way }]) => way === 'copied');
  const encoded = CASES.filter(([, { way }]) => way === 'encoded');
  for (const [name, { way, size, sounds = [], db }] of [
    ...sample('copied', copied, 4),
    ...sample('encoded', encoded, 3),
  ]) {
    it(`of ${name} is ${way}: every frame in its time, upright, with all sounds`, () =>
      withFolder(async (folder) => {
        const made = await make(name, folder);
        const result = await media.probe(made.outputPath, quietWatch());
        assert.equal(made.way, way);
        assert.deepEqual([result.container, result.isProgressive, result.videoCodec], ['mp4', true, 'h264']);
        assert.equal(planPlayback(result).work, 'none');
        const { width, height, sizeBytes, contentType } = made.playback;
        assert.equal(`${width}x${height}`, size);
        assert.deepEqual([result.width, result.height], [width, height]);
        assert.deepEqual([sizeBytes, contentType], [(await stat(made.outputPath)).size, 'video/mp4']);
        const heard = result.streams.filter(({ type }) => type === 'audio');
        assert.deepEqual(
          heard.map(({ codec, language }) => [codec, language].filter(Boolean).join(' ')),
          sounds,
        );
        const [before, after] = await Promise.all([look(made.inputPath), look(made.outputPath)]);
        assert.equal(after.frames, before.frames);
        assert.ok(Math.abs(lagOf(after) - lagOf(before)) < 0.03, 'picture and sound keep together');
        const frameSec = 1 / (made.facts.fps ?? 25);
        assert.ok(Math.abs(result.durationSec - before.frames * frameSec) < 0.1 + frameSec);
        if (db !== undefined) {
          const middleSec = made.facts.durationSec / 2;
          const [ours, theirs] = await Promise.all(
            [made.outputPath, made.inputPath].map((path) => frameOf(path, middleSec, folder)),
          );
          const alike = await likenessDb(ours as string, theirs as string);
          assert.ok(alike >= db, `${alike} dB`);
        }
        assert.ok(made.percents.every((percent) => percent >= 0 && percent <= 99));
      }));
  }

  it('leaves one file and shows how far it is', () =>
    withFolder(async (folder) => {
      const { percents } = await make('hevc10', folder);
      assert.deepEqual(await readdir(folder), ['playback.mp4']);
      assert.ok(percents.length > 0);
      assert.deepEqual(
        percents,
        percents.toSorted((a, b) => a - b),
      );
    }));

  it('of a stream that begins between key frames has every frame that can be decoded, in its time', () =>
    withFolder(async (folder) => {
      const { way, facts, inputPath, outputPath } = await make('midBroadcast', folder);
      assert.equal(way, 'copied', 'what is left out of a copy is what nobody can decode');
      assert.equal((await look(outputPath)).frames, (await look(inputPath)).frames);
      const made = await media.probe(outputPath, quietWatch());
      assert.ok(Math.abs(made.durationSec - facts.durationSec) < 0.02, `${made.durationSec} s`);
    }));

  it('of a damaged stream is encoded: what is copied of it would not decode', () =>
    withFolder(async (folder) => {
      const { way, playback, outputPath } = await make('noisyBroadcast', folder);
      assert.equal(way, 'encoded');
      assert.ok(playback.sizeBytes > 0);
      assert.ok((await look(outputPath)).frames >= 170);
    }));

  it('brings a picture of high range into the usual one, and keeps the colours of others', () =>
    withFolder(async (folder) => {
      const { outputPath, facts } = await make('highRange', folder);
      assert.equal(facts.streams[0]?.colorTransfer, 'arib-std-b67');
      const [picture] = (await media.probe(outputPath, quietWatch())).streams;
      assert.deepEqual(
        [picture?.pixelFormat, picture?.colorSpace, picture?.colorTransfer, picture?.colorPrimaries],
        ['yuv420p', 'bt709', 'bt709', 'bt709'],
      );
    }));

  it('says that a video is damaged when nothing of it can be decoded, and leaves nothing', () =>
    withFolder(async (folder) => {
      await assert.rejects(
        make('noiseInside', folder),
        (error) => error instanceof UnusableMediaError && error.code === 'corrupt_media',
      );
      assert.deepEqual(await readdir(folder), []);
    }));

  it('is taken back at once, with its file', () =>
    withFolder(async (folder) => {
      const inputPath = await fixture('bigOneKeyframe');
      const facts = await media.probe(inputPath, quietWatch());
      const abort = new AbortController();
      const watch = { ...quietWatch(abort.signal), onProgress: () => abort.abort() };
      const outputPath = join(folder, 'playback.mp4');
      await assert.rejects(media.encodePlayback({ inputPath, outputPath, facts }, watch), {
        name: 'AbortError',
      });
      assert.deepEqual(await readdir(folder), []);
    }));
});

/** A stand-in for ffmpeg that gets another argument in the place of one. */
async function replacing(folder: string, wanted: string, given: string): Promise<string> {
  const path = join(folder, 'ffmpeg');
  const turn = `for a; do [ "$a" = '${wanted}' ] && a='${given}'; shift; set -- "$@" "$a"; done`;
  await writeFile(path, `#!/bin/sh\n${turn}\nexec ffmpeg "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

describe('the check of a rendition', () => {
  const flaws: [string, string, string][] = [
    ['whose index comes last', '+faststart', '+disable_chpl'],
    ['that lacks its end', '12.000', '1.500'],
  ];
  for (const [flaw, wanted, given] of flaws) {
    it(`refuses one ${flaw}`, () =>
      withFolder(async (folder) => {
        const flawed = mediaUnderTest({ FFMPEG_PATH: await replacing(folder, wanted, given) }).media;
        const inputPath = await fixture('h264');
        const request = {
          inputPath,
          outputPath: join(folder, 'playback.mp4'),
          facts: await media.probe(inputPath, quietWatch()),
        };
        assert.equal(await flawed.copyPlayback(request, quietWatch()), null);
        await assert.rejects(
          flawed.encodePlayback(request, quietWatch()),
          (error) => error instanceof MediaToolError && error.code === 'media_tool_failed',
        );
        assert.deepEqual(await readdir(folder), ['ffmpeg']);
      }));
  }

  it('that fails at once still waits for its tools, so that the file is removed under none', async () => {
    const atWork: (() => void)[] = [];
    const run = () => new Promise<never>((_, reject) => atWork.push(() => reject(new Error('stopped'))));
    const check = createPlaybackCheck({
      runner: { run, runPipe: run },
      probe: () => Promise.reject(new MediaToolError('no memory')),
    });
    const made = { path: '/p', inputPath: '/i', facts: FACTS, run: {} as ToolRun, isCopy: true };
    let hasEnded = false;
    const ended = check(made, quietWatch()).finally(() => {
      hasEnded = true;
    });
    const outcome = assert.rejects(ended, MediaToolError);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([atWork.length, hasEnded], [2, false]);
    for (const stop of atWork) stop();
    await outcome;
  });
});

const FACTS: MediaFacts = {
  ...{ container: 'mp4', durationSec: 10, sizeBytes: 1000, width: 1920, height: 1080, fps: 30, rotation: 0 },
  ...{ videoCodec: 'hevc', audioCodec: null, hasAudio: false, language: null, videoStreamIndex: 0 },
  ...{ streams: [], isProgressive: true },
};

describe('the argument lists of playback', () => {
  it('guard their input and bound their output', () => {
    const picture = planPicture(FACTS);
    const sound = [{ streamIndex: 1, encoding: { channels: 2, sampleRate: 48_000 } }];
    const command = {
      inputPath: '/i',
      outputPath: '/o',
      streamIndex: 0,
      picture,
      sound,
      lengthSec: 20,
      lacksTimes: true,
    };
    for (const args of [
      playbackArgs(command),
      playbackArgs({ ...command, picture: null, sound: [] }),
      decodePartArgs({ inputPath: '/i', part: 'start', lengthSec: 20 }),
      decodePartArgs({ inputPath: '/i', part: 'end', lengthSec: 20 }),
    ]) {
      const input = args.indexOf('-i');
      assert.equal(args[input + 1], 'file:/i');
      assert.ok(FILE_GUARD.every((option) => args.slice(0, input).includes(option)));
      assert.ok(args.lastIndexOf('-t') > input, 'the output has an end');
    }
  });

  it('make large pictures smaller and all sides even', () => {
    const sizeOf = (width: number, height: number) => {
      const planned = planPicture({ ...FACTS, width, height });
      return [planned.width, planned.height];
    };
    assert.deepEqual(sizeOf(3840, 2160), [1920, 1080]);
    assert.deepEqual(sizeOf(2160, 3840), [1080, 1920]);
    assert.deepEqual(sizeOf(321, 241), [320, 240]);
    assert.deepEqual(sizeOf(8192, 1), [1920, 2]);
  });
});
