import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaStream } from '../../../src/domain/media.ts';
import { crowdedMovie } from '../../support/crowdedMovie.ts';
import { decodeSound, soundOffsetSec } from '../../support/frames.ts';
import { mediaUnderTest, quietWatch } from '../../support/mediaAdapter.ts';
import { makeMedia } from '../../support/mediaFixtures.ts';
import { type Clips, createClips, decode, hashesOf, merge } from '../../support/mergeClips.ts';

/** A little more than half a packet of AAC at 44.1 kHz. */
const IN_SYNC_SEC = 0.0135;

describe('merging by copying', function () {
  this.timeout(60_000);
  let clips: Clips;
  let one: string;
  let other: string;
  before(async () => {
    clips = await createClips();
    [one, other] = await Promise.all([clips.make({ seed: 1 }), clips.make({ seed: 2, sec: 1.5 })]);
  });
  after(() => clips.remove());

  /** Where each input's own sound lies in the result; nothing may be cut away or moved. */
  async function assertInSync(path: string, inputs: string[], startsSec: number[], allowedSec = IN_SYNC_SEC) {
    const whole = await decodeSound(path);
    for (const [at, input] of inputs.entries()) {
      const offsetSec = soundOffsetSec(whole, await decodeSound(input), startsSec[at] ?? 0);
      assert.ok(Math.abs(offsetSec) <= allowedSec, `sound of input ${at} is ${offsetSec} s off`);
    }
  }

  const framesOf = async (inputs: string[]) =>
    (await Promise.all(inputs.map(async (path) => hashesOf(await decode(path))))).flat();

  it('keeps every frame of equal inputs bit by bit, also of one that stands twice', async () => {
    const inputs = [one, other, one];
    const { path, outcome } = await merge(clips, inputs);
    assert.equal(outcome.method, 'copy');
    assert.deepEqual(hashesOf(await decode(path)), await framesOf(inputs));
    await assertInSync(path, inputs, [0, 1, 2.5]);
  });

  for (const order of ['15360 first', '90000 first']) {
    it(`mends time bases that differ: ${order}`, async () => {
      const fine = await clips.remake(other, ['-video_track_timescale', '90000']);
      const inputs = order === '15360 first' ? [one, fine] : [fine, one];
      const { path, outcome } = await merge(clips, inputs);
      assert.equal(outcome.method, 'copy');
      assert.deepEqual(hashesOf(await decode(path)), await framesOf(inputs));
    });
  }

  it('is as long as its pieces where one that is reordered follows one that is not', async () => {
    const unordered = await clips.make({ seed: 3, args: ['-bf', '0'] });
    const { path, outcome } = await merge(clips, [unordered, one]);
    assert.equal(outcome.method, 'copy');
    assert.deepEqual(hashesOf(await decode(path)), await framesOf([unordered, one]));
  });

  it('joins other containers, and other rates of frames', async () => {
    const matroska = await clips.remake(other, [], 'mkv');
    const slower = await clips.make({ seed: 4, fps: 25 });
    const inputs = [one, matroska, slower];
    const { path, outcome } = await merge(clips, inputs);
    assert.equal(outcome.method, 'copy');
    assert.deepEqual(hashesOf(await decode(path)), await framesOf(inputs));
  });

  it('keeps frames that come irregularly at their own times', async () => {
    const args = ['-vf', String.raw`select='not(mod(n\,3))+gt(n\,15)'`, '-fps_mode', 'vfr'];
    const irregular = await clips.make({ seed: 5, args });
    const { path, outcome } = await merge(clips, [one, irregular]);
    assert.equal(outcome.method, 'copy');
    const [before, behind] = [await decode(one), await decode(irregular)];
    const wanted = [...before.frames, ...behind.frames].map(({ timeSec }, at) =>
      at < before.frames.length ? timeSec : timeSec + 1,
    );
    const { frames } = await decode(path);
    assert.equal(frames.length, wanted.length);
    for (const [at, { timeSec }] of frames.entries()) {
      assert.ok(Math.abs(timeSec - (wanted[at] ?? 0)) < 0.001, `frame ${at} at ${timeSec} s`);
    }
  });

  for (const [name, place] of [
    ['first', 0],
    ['second', 1],
  ] as const) {
    it(`makes silence where the ${name} input has no sound, and copies its picture`, async () => {
      const mute = await clips.make({ seed: null });
      const inputs = place === 0 ? [mute, other] : [other, mute];
      const { path, outcome } = await merge(clips, inputs);
      assert.equal(outcome.method, 'smart');
      assert.deepEqual(hashesOf(await decode(path)), await framesOf(inputs));
      await assertInSync(path, [other], [place === 0 ? 1 : 0]);
      const sound = await decodeSound(path);
      const silent = place === 0 ? sound.subarray(0, 7000) : sound.subarray(13_000, 19_000);
      assert.ok(silent.every((sample) => Math.abs(sample) < 0.001));
      assert.ok(silent.length >= 6000);
    });
  }

  it('brings sounds of 44.1 and 48 kHz to one rate, without touching a picture', async () => {
    const faster = await clips.make({ seed: 6, rate: 48_000 });
    const inputs = [one, faster, other];
    const { path, outcome } = await merge(clips, inputs);
    assert.equal(outcome.method, 'smart');
    assert.deepEqual(hashesOf(await decode(path)), await framesOf(inputs));
    await assertInSync(path, inputs, [0, 1, 2]);
  });

  it('fills the hole where sound ends before its picture', async () => {
    const short = await clips.make({ seed: 7, args: ['-filter:a', 'atrim=end=0.6'] });
    const inputs = [short, other];
    const { path, outcome } = await merge(clips, inputs);
    assert.equal(outcome.method, 'smart');
    await assertInSync(path, inputs, [0, 1]);
  });

  it('has sound and picture together after ten joins, for players that only count samples', async () => {
    const pieces = await Promise.all([1.03, 0.87, 1.11].map((sec, at) => clips.make({ sec, seed: 10 + at })));
    const inputs = Array.from({ length: 11 }, (_, at) => pieces[at % 3] as string);
    const { path, outcome } = await merge(clips, inputs);
    assert.equal(outcome.method, 'copy');
    const { frames } = await decode(path);
    const { frames: last } = await decode(inputs[10] as string);
    const startSec = frames[frames.length - last.length]?.timeSec ?? 0;
    await assertInSync(path, inputs.slice(10), [startSec]);
    // Without time stamps: the packets as they come, of which one is before the beginning.
    const bare = await decodeSound(await clips.remake(path, ['-vn', '-f', 'adts'], 'aac'));
    const own = await decodeSound(inputs[10] as string);
    const offsetSec = soundOffsetSec(bare, own, startSec + 1024 / 44_100, 0.6);
    assert.ok(Math.abs(offsetSec) < 0.025, `${offsetSec} s`);
  });

  const many = process.env.CAMPAIGN ? 50 : 12;
  it(`joins ${many} inputs`, async () => {
    const tiny = await clips.make({ size: '160x120', sec: 0.4, seed: 20 });
    const inputs = Array.from({ length: many }, () => tiny);
    const { path, outcome, percents } = await merge(clips, inputs);
    assert.equal(outcome.method, 'copy');
    assert.deepEqual(
      hashesOf(await decode(path)),
      await framesOf(inputs.slice(0, 1)).then((each) => inputs.flatMap(() => each)),
    );
    assert.deepEqual(
      percents,
      [...percents].sort((a, b) => a - b),
    );
  });

  it('remembers no more frames than recordings have: crowded files are left to encoding', async () => {
    const outcomeOf = async (frames: number) => {
      const inputPath = join(clips.folder, `crowded-${frames}.mp4`);
      await writeFile(inputPath, crowdedMovie({ frames, timescale: 1_000_000 }));
      const { media, lines } = mediaUnderTest();
      const probed = await media.probe(one, quietWatch());
      const picture = { ...(probed.streams[0] as MediaStream), timeBase: '1/1000000' };
      const facts = { ...probed, durationSec: frames / 1_000_000, streams: [picture] };
      const inputs = Array.from({ length: 50 }, () => ({ inputPath, facts }));
      const outputPath = join(clips.folder, 'crowd.mp4');
      const outcome = await media.mergeByCopying({ inputs, outputPath, fit: 'contain' }, quietWatch());
      return { outcome, joins: lines.filter(({ tool }) => tool === 'ffmpeg').length };
    };
    assert.deepEqual(await outcomeOf(1000), { outcome: null, joins: 1 }, 'tried: there is nothing in it');
    assert.deepEqual(await outcomeOf(170_000), { outcome: null, joins: 0 });
  });

  it('keeps the tracks that all have, and the languages that are the same', async () => {
    const second = ['-filter_complex', '[1:a]asplit[x][y]', '-map', '0:v', '-map', '[x]', '-map', '[y]'];
    const languages = (track: string) => [
      '-metadata:s:a:0',
      'language=deu',
      '-metadata:s:a:1',
      `language=${track}`,
    ];
    const two = await clips.make({ seed: 8, args: [...second, ...languages('eng')] });
    const alsoTwo = await clips.make({ seed: 9, args: [...second, ...languages('fra')] });
    const { media } = mediaUnderTest();
    const tracksOf = async (path: string) => {
      const { streams } = await media.probe(path, quietWatch());
      return streams.filter(({ type }) => type === 'audio').map(({ language }) => language);
    };
    assert.deepEqual(await tracksOf((await merge(clips, [two, alsoTwo])).path), ['deu', null]);
    assert.deepEqual(await tracksOf((await merge(clips, [two, one])).path), [null]);
  });

  it('passes over a track of sound that nobody can decode, and takes the next one', async () => {
    const args = [
      '-filter_complex',
      '[1:a]asplit[x][y];[x]volume=0[z]',
      '-map',
      '0:v',
      '-map',
      '[z]',
      '-map',
      '[y]',
    ];
    const two = await clips.make({ seed: 12, args });
    const content = await readFile(two);
    for (const name of ['mp4a', 'esds'])
      content.write('zzzz', content.indexOf(name, content.indexOf('moov')));
    const odd = join(clips.folder, 'odd-sound.mp4');
    await writeFile(odd, content);
    const { path, outcome } = await merge(clips, [odd, one]);
    assert.equal(outcome.method, 'copy');
    const whole = await decodeSound(path);
    const sounds = [await decodeSound(odd, 1), await decodeSound(one)] as const;
    for (const [at, sound] of sounds.entries()) {
      const offsetSec = soundOffsetSec(whole, sound, at);
      assert.ok(Math.abs(offsetSec) < IN_SYNC_SEC, `input ${at}: ${offsetSec} s`);
    }
  });

  it('leaves pictures that hide something to encoding, and shows nothing of what is hidden', async () => {
    const hiding = await clips.make({ seed: 11, sec: 2 });
    // Copied from between two key frames: what comes before is there, behind an edit list.
    const cut = join(clips.folder, 'hiding.mp4');
    await makeMedia('-ss', '1.0', '-i', hiding, '-c', 'copy', cut);
    const { path, outcome } = await merge(clips, [one, cut]);
    assert.equal(outcome.method, 'smart');
    const [shown, wanted, before] = await Promise.all([decode(path), decode(cut), decode(one)]);
    assert.deepEqual(hashesOf(shown).slice(0, before.frames.length), hashesOf(before));
    assert.equal(shown.frames.length, before.frames.length + wanted.frames.length);
  });
});
