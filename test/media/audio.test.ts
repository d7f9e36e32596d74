import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AUDIO_FORMATS, type AudioFormat } from '../../src/domain/audio.ts';
import type { MediaFacts, MediaStream } from '../../src/domain/media.ts';
import { MediaToolError } from '../../src/errors.ts';
import { createAudioRenderer } from '../../src/media/audio.ts';
import {
  bytesPerSec,
  copyAudioArgs,
  encodeAudioArgs,
  expectedAudioBytes,
  findStartArgs,
  planForm,
} from '../../src/media/audioCommands.ts';
import type { Runner } from '../../src/media/runner.ts';
import { longestSoundSec } from '../../src/media/soundPipe.ts';
import { listenTo } from '../support/listening.ts';
import { mediaUnderTest, quietWatch, until, withFolder } from '../support/mediaAdapter.ts';
import { type FixtureName, fixture, makeMedia } from '../support/mediaFixtures.ts';
import { SENTENCES, skipWithoutSpeech, soundClip, speechVideo } from '../support/speechFixtures.ts';

const run = promisify(execFile);
const CODECS: Record<AudioFormat, string> = { m4a: 'aac', mp3: 'mp3', wav: 'pcm_s16le' };
const FAMILIES: Record<AudioFormat, RegExp> = { m4a: /m4a/, mp3: /^mp3$/, wav: /^wav$/ };
const STREAM = { sampleRate: 44_100, channels: 2 } as MediaStream;

async function look(path: string) {
  const entries = ['format=format_name,start_time:stream=codec_name,sample_rate,channels'];
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', ...entries, '-of', 'json', path]);
  const { streams, format } = JSON.parse(stdout);
  assert.equal(streams.length, 1, 'nothing but one track of sound');
  const { codec_name: codec, sample_rate: rate, channels } = streams[0];
  return {
    codec,
    rate: Number(rate),
    channels,
    family: format.format_name,
    startSec: Number(format.start_time),
  };
}

async function render<Seen>(
  inputPath: string,
  format: AudioFormat,
  see: (path: string) => Promise<Seen>,
): Promise<Seen & { way: 'copied' | 'encoded' }> {
  const { media, lines } = mediaUnderTest();
  return withFolder(async (folder) => {
    const facts = await media.probe(inputPath, quietWatch());
    const outputPath = join(folder, `audio.${format}`);
    await media.renderAudio({ inputPath, outputPath, facts, format }, quietWatch());
    assert.deepEqual(await readdir(folder), [`audio.${format}`], 'nothing is left beside it');
    const isCopied = lines.some(({ argv }) => argv?.join(' ').includes('-c:a copy'));
    return { ...(await see(outputPath)), way: isCopied ? 'copied' : 'encoded' };
  });
}

/** Which formats each source is copied into. */
const SOURCES: [FixtureName, AudioFormat[]][] = [
  ['h264', ['m4a']],
  ['avi', ['mp3']],
  ['vp9', []],
];

describe('the sound of a video alone', function () {
  this.timeout(60_000);

  for (const [name, copied] of SOURCES)
    it(`is made of ${name} in every format${copied.length > 0 ? `, copied into ${copied}` : ''}`, async () => {
      const source = await listenTo(await fixture(name));
      for (const format of AUDIO_FORMATS) {
        const { way, codec, family, heard } = await render(await fixture(name), format, async (path) => ({
          ...(await look(path)),
          heard: await listenTo(path),
        }));
        assert.equal(way, copied.includes(format) ? 'copied' : 'encoded', format);
        assert.equal(codec, CODECS[format]);
        assert.match(family, FAMILIES[format]);
        assert.ok(Math.abs(heard.durationSec - source.durationSec) < 0.15, `${heard.durationSec} s`);
        const [before, after] = [source, heard].map((each) => each.loudnessDb(0.5, 1.5)) as [number, number];
        assert.ok(Math.abs(before - after) < 0.5, `${format}: ${before} dB, ${after} dB`);
      }
    });

  it('has its index first in an MP4, so that it plays while it loads', async () => {
    const { bytes } = await render(await fixture('vp9'), 'm4a', async (path) => ({
      bytes: await readFile(path),
    }));
    assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'));
  });

  it('begins with the video: silence stands for what comes later, or the file tells', async function () {
    skipWithoutSpeech(this);
    const spoken = await speechVideo(SENTENCES.slice(0, 4), { delaySec: 1.5, extension: 'ts' });
    const firstSec = spoken.sentences[0]?.startSec ?? 0;
    for (const format of AUDIO_FORMATS) {
      const { heard, startSec } = await render(spoken.path, format, async (path) => ({
        heard: await listenTo(path),
        ...(await look(path)),
      }));
      // Decoded without regard for times, the copy begins with its first sound.
      const lateSec = format === 'm4a' ? startSec : 0;
      const at = (heard.firstAbove(-40) ?? 0) + lateSec;
      assert.ok(Math.abs(at - firstSec) < 0.05, `${format}: ${at} s, not ${firstSec} s`);
    }
  });

  it('is not copied as MP3 where it begins late, which an MP3 cannot tell', async () =>
    withFolder(async (folder) => {
      const late = join(folder, 'late.mkv');
      const source = await fixture('avi');
      await makeMedia(
        '-i',
        source,
        '-itsoffset',
        '1',
        '-i',
        source,
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-c',
        'copy',
        late,
      );
      const { way, heard } = await render(late, 'mp3', async (path) => ({ heard: await listenTo(path) }));
      assert.equal(way, 'encoded');
      assert.ok(Math.abs((heard.firstAbove(-40) ?? 0) - 1) < 0.05);
    }));

  it('is copied as MP3 out of a transport stream, of which the beginning alone is read for its clock', () =>
    withFolder(async (folder) => {
      const inputPath = join(folder, 'film.ts');
      const source = await fixture('avi');
      await makeMedia(
        '-stream_loop',
        '9',
        '-i',
        source,
        '-map',
        '0:v',
        '-map',
        '0:a',
        '-c',
        'copy',
        inputPath,
      );
      const { way } = await render(inputPath, 'mp3', look);
      assert.equal(way, 'copied');
      const facts = await mediaUnderTest().media.probe(inputPath, quietWatch());
      const { stdout } = await run('ffmpeg', findStartArgs({ inputPath, streamIndex: 1, facts }));
      assert.match(stdout, /pts_time/);
      assert.equal([...stdout.matchAll(/^frame=(\d+)$/gm)].at(-1)?.[1], '1', 'packets of the picture');
    }));

  it('is encoded where it is not told in time when it begins', () =>
    withFolder(async (folder) => {
      const ended = { exitCode: 0, progress: { outTimeSec: 1 } };
      const asked: string[] = [];
      const runner = {
        run: () => {
          asked.push('run');
          return Promise.reject(new MediaToolError('It took too long'));
        },
        runPipe: async () => {
          asked.push('pipe');
          await writeFile(join(folder, 'a.mp3.part'), 'sound');
          return [ended, ended];
        },
      } as unknown as Runner;
      const streams = [{ index: 0, type: 'audio', codec: 'mp3', channels: 1, sampleRate: 8000 }];
      const facts = { durationSec: 1, sizeBytes: 1, container: 'mpegts', streams } as MediaFacts;
      const request = { inputPath: '/in', outputPath: join(folder, 'a.mp3'), facts, format: 'mp3' } as const;
      const abort = new AbortController();
      await createAudioRenderer({ runner })(request, quietWatch(abort.signal));
      assert.deepEqual(asked, ['run', 'pipe']);
      abort.abort();
      await assert.rejects(createAudioRenderer({ runner })(request, quietWatch(abort.signal)), {
        name: 'AbortError',
      });
    }));

  it('is refused where there is none', async () => {
    for (const format of AUDIO_FORMATS)
      await assert.rejects(
        render(await soundClip('mute'), format, async () => ({})),
        { code: 'no_audio' },
      );
  });

  it('is that of the first track that can be decoded', async () => {
    const { media } = mediaUnderTest();
    await withFolder(async (folder) => {
      const inputPath = await fixture('h264');
      const facts = await media.probe(inputPath, quietWatch());
      const sound = facts.streams.find(({ type }) => type === 'audio') as MediaStream;
      const nowhere = { ...sound, index: 9 };
      const request = { inputPath, outputPath: join(folder, 'a.m4a'), format: 'm4a' } as const;
      await media.renderAudio({ ...request, facts: { ...facts, streams: [nowhere, sound] } }, quietWatch());
      assert.equal((await look(request.outputPath)).codec, 'aac');
      const lost = { ...request, facts: { ...facts, streams: [nowhere] } };
      await assert.rejects(media.renderAudio(lost, quietWatch()), { code: 'corrupt_media' });
    });
  });

  it('is let go of at once when it is no longer wanted, and nothing stays', () =>
    withFolder(async (folder) => {
      const { media } = mediaUnderTest();
      const inputPath = join(folder, 'long.mkv');
      const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=1:d=600'];
      const sound = ['-f', 'lavfi', '-i', 'sine=r=48000:d=600'];
      await makeMedia(...picture, ...sound, '-c:v', 'mpeg4', '-c:a', 'pcm_s16le', inputPath);
      const facts = await media.probe(inputPath, quietWatch());
      const abort = new AbortController();
      const outputPath = join(folder, 'audio.mp3');
      const watch = quietWatch(abort.signal);
      const ended = assert.rejects(
        media.renderAudio({ inputPath, outputPath, facts, format: 'mp3' }, watch),
        { name: 'AbortError' },
      );
      await until(async () => (await readdir(folder)).includes('audio.mp3.part'), 20_000);
      abort.abort();
      await ended;
      assert.deepEqual(await readdir(folder), ['long.mkv']);
    }));

  describe('is planned', () => {
    it('at its own rate where the format has it, in stereo at most', () => {
      const plan = (format: AudioFormat, sampleRate: number | null, channels: number | null) => {
        const form = planForm(format, { ...STREAM, sampleRate, channels });
        return [form.sampleRate, form.channels];
      };
      assert.deepEqual(plan('mp3', 44_100, 1), [44_100, 1]);
      assert.deepEqual(plan('mp3', 96_000, 6), [48_000, 2]);
      assert.deepEqual(plan('m4a', 37_800, 2), [44_100, 2]);
      assert.deepEqual(plan('wav', 384_000, 6), [48_000, 2]);
      assert.deepEqual(plan('wav', 11_111, 1), [11_111, 1]);
      assert.deepEqual(plan('wav', null, null), [48_000, 2]);
    });

    it('behind the guards, bounded in length, without titles, and past 4 GiB as RF64', async () => {
      const { media } = mediaUnderTest();
      const facts = await media.probe(await fixture('h264'), quietWatch());
      const command = { inputPath: '/s/in', outputPath: '/s/out', streamIndex: 1, facts };
      for (const format of AUDIO_FORMATS) {
        const form = planForm(format, STREAM);
        for (const args of [
          copyAudioArgs({ ...command, format }),
          encodeAudioArgs({ ...command, format }, form),
        ]) {
          assert.ok(args.indexOf('-format_whitelist') < args.indexOf('-i'));
          assert.equal(args[args.indexOf('-t') + 1], longestSoundSec(facts).toFixed(3));
          assert.equal(args[args.indexOf('-map_metadata') + 1], '-1');
          assert.equal(args.includes('-rf64'), format === 'wav');
        }
      }
      assert.equal(bytesPerSec('wav', { sampleRate: 48_000, channels: 2 }), 192_000);
    });

    it('for a known room', async () => {
      const { media } = mediaUnderTest();
      const facts = await media.probe(await fixture('h264'), quietWatch());
      const sound = { type: 'audio', codec: 'flac', sampleRate: 384_000, channels: 2 } as MediaStream;
      const hour = { ...facts, durationSec: 3600, streams: [sound] };
      assert.equal(expectedAudioBytes(hour, 'wav'), 3600 * 192_000);
      assert.equal(expectedAudioBytes(hour, 'm4a'), 3600 * 20_000);
      const copied = { ...hour, streams: [{ ...sound, codec: 'mp3' }] };
      assert.equal(expectedAudioBytes(copied, 'mp3'), facts.sizeBytes);
      assert.equal(expectedAudioBytes({ ...hour, streams: [] }, 'wav'), 0);
    });

    it('to end where a made-up length does not', async () => {
      const { media } = mediaUnderTest();
      const facts = await media.probe(await fixture('h264'), quietWatch());
      const endless = facts.streams.map((stream) => ({ ...stream, durationSec: 1e9 }));
      assert.equal(longestSoundSec({ ...facts, durationSec: 2, streams: endless }), 64);
    });
  });
});
