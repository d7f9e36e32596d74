import assert from 'node:assert/strict';
import { type DecodedVideo, type Frame, psnrDb } from '../../support/frames.ts';
import { mediaUnderTest, quietWatch } from '../../support/mediaAdapter.ts';
import { fixture } from '../../support/mediaFixtures.ts';
import { type Clips, createClips, decode, decodeTurned, hashesOf, merge } from '../../support/mergeClips.ts';
import { sample } from '../../support/sample.ts';

/** Brightness at a place of a frame. */
const lumaAt = ({ frames, width }: DecodedVideo, frame: number, x: number, y: number): number =>
  frames[frame]?.pixels[y * width + x] ?? Number.NaN;

const probeOf = (path: string) => mediaUnderTest().media.probe(path, quietWatch());

const isBlack = (luma: number) => luma <= 18;

describe('merging by encoding the odd ones', function () {
  this.timeout(60_000);
  let clips: Clips;
  let one: string;
  let other: string;
  before(async () => {
    clips = await createClips();
    [one, other] = await Promise.all([clips.make({ seed: 1 }), clips.make({ seed: 2, sec: 1.5 })]);
  });
  after(() => clips.remove());

  it('encodes the one of three that differs; the frames of the others stay bit by bit', async () => {
    const odd = await clips.make({ size: '480x240', fps: 25, seed: 3 });
    const { path, outcome } = await merge(clips, [one, odd, other]);
    assert.equal(outcome.method, 'smart');
    const [result, first, last] = [await decode(path), await decode(one), await decode(other)];
    const hashes = hashesOf(result);
    assert.deepEqual(hashes.slice(0, 30), hashesOf(first));
    assert.deepEqual(hashes.slice(-45), hashesOf(last));
    assert.equal(hashes.length, 30 + 30 + 45, 'brought to the common rate of frames');
  });

  it('sets another shape into bars: contain', async () => {
    const wide = await clips.make({ size: '480x240', seed: 3 });
    const result = await decode((await merge(clips, [other, wide])).path);
    assert.deepEqual([result.width, result.height], [320, 240]);
    for (const y of [2, 30, 209, 237]) assert.ok(isBlack(lumaAt(result, 60, 160, y)), `bar at line ${y}`);
    const inside = Array.from({ length: 150 }, (_, at) => lumaAt(result, 60, 160, 45 + at));
    assert.ok(inside.filter(isBlack).length < 75);
    assert.ok(!isBlack(lumaAt(result, 10, 160, 2)), 'the other one has no bars');
  });

  it('cuts another shape: cover', async () => {
    const wide = await clips.make({ size: '480x240', seed: 3 });
    const { path } = await merge(clips, [other, wide], 'cover');
    const result = await decode(path);
    assert.deepEqual([result.width, result.height], [320, 240]);
    // The middle 320 of 480 columns, not scaled: frame for frame the source's.
    const source = await decode(wide);
    const shown = result.frames[50];
    const own = source.frames[5];
    assert.ok(shown && own);
    const middle = Buffer.alloc(320 * 240);
    for (let y = 0; y < 240; y++) own.pixels.copy(middle, y * 320, y * 480 + 80, y * 480 + 400);
    assert.ok(psnrDb(shown, { ...own, pixels: middle }, { width: 320, height: 240 }) > 35);
  });

  for (const turned of sample('turned', ['first', 'second', 'most'] as const, 1)) {
    it(`shows a turned and an unturned input upright: turned ${turned}`, async () => {
      const upright = await clips.make({ size: '240x320', seed: 4 });
      // Stored lying on its side, shown upright.
      const stored = await clips.make({ size: '240x320', seed: 4, args: ['-vf', 'transpose=clock'] });
      const held = await clips.remake(stored, ['-metadata:s:v', 'rotate=90']);
      const inputs = { first: [held, upright], second: [upright, held], most: [upright, held, held] }[turned];
      const { path, outcome } = await merge(clips, inputs);
      assert.equal(outcome.method, 'smart');
      const result = await decodeTurned(path);
      const wanted = await decode(upright);
      assert.deepEqual([result.width, result.height], [240, 320]);
      for (const [at] of inputs.entries()) {
        const [shown, own] = [result.frames[at * 30 + 3], wanted.frames[3]];
        assert.ok(shown && own);
        const db = psnrDb(shown, own, result);
        assert.ok(db > 28, `input ${at} is not upright: ${db} dB`);
      }
    });
  }

  it('joins HEVC and H.264, and lets no HEVC follow HEVC of other parameters', async () => {
    const hevc = (bframes: number) =>
      clips.make({
        seed: 5 + bframes,
        sec: 2,
        args: [
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-tag:v',
          'hvc1',
          '-x265-params',
          `log-level=error:bframes=${bframes}`,
        ],
      });
    const [simple, reordered] = await Promise.all([hevc(0), hevc(3)]);
    const mixed = await merge(clips, [simple, one]);
    assert.equal(mixed.outcome.method, 'smart');
    assert.deepEqual(hashesOf(await decode(mixed.path)).slice(-30), hashesOf(await decode(one)));
    assert.equal((await merge(clips, [simple, simple])).outcome.method, 'copy');
    const unlike = await merge(clips, [simple, reordered]);
    assert.equal(unlike.outcome.method, 'encode');
    assert.equal((await decode(unlike.path)).frames.length, 120);
  });

  it('shows the whole of a picture that begins after its sound', async () => {
    const late = await fixture('latePicture');
    const longer = await clips.make({ seed: 8, sec: 5 });
    const { path, outcome } = await merge(clips, [late, longer]);
    assert.equal(outcome.method, 'smart');
    const [result, own] = [await decode(path), await decode(late)];
    assert.equal(result.frames.length, 4 * 30 + 5 * 30);
    assert.equal(own.frames.length, 3 * 30);
    for (const [at, wanted] of [
      [0, 0],
      [30, 0],
      [119, 89],
    ] as const) {
      const db = psnrDb(result.frames[at] as Frame, own.frames[wanted] as Frame, result);
      assert.ok(db > 35, `frame ${at}: ${db} dB`);
    }
    const sound = (await probeOf(path)).streams[1];
    assert.ok(Math.abs((sound?.durationSec ?? 0) - 9) < 0.1, `${sound?.durationSec} s of sound`);
  });

  for (const [name, bsf, transfer] of [
    ['old television', 'colour_primaries=5:transfer_characteristics=5:matrix_coefficients=5', 'bt470bg'],
    ['a number that stands for none', 'transfer_characteristics=3:matrix_coefficients=6', 'reserved'],
  ] as const) {
    it(`encodes beside the colours of ${name}`, async () => {
      const tagged = await clips.remake(other, ['-bsf:v', `h264_metadata=${bsf}`]);
      assert.equal((await probeOf(tagged)).streams[0]?.colorTransfer, transfer);
      const odd = await clips.make({ size: '160x120', seed: 3 });
      const { path, outcome } = await merge(clips, [tagged, odd]);
      assert.equal(outcome.method, 'smart');
      assert.equal((await decode(path)).frames.length, 75);
    });
  }

  it('encodes irregular frames at the common rate', async () => {
    const args = ['-vf', String.raw`select='not(mod(n\,3))+gt(n\,15)'`, '-fps_mode', 'vfr'];
    const irregular = await clips.make({ size: '160x120', seed: 6, args });
    const { path, outcome } = await merge(clips, [other, irregular]);
    assert.equal(outcome.method, 'smart');
    assert.equal((await decode(path)).frames.length, 75);
  });

  it('gives one frame rate, bars and silence all at once, all encoded when nothing can be a model', async () => {
    const old = await clips.make({ seed: 7, extension: 'avi', args: ['-c:v', 'mpeg4', '-c:a', 'mp3'] });
    const mute = await clips.make({ seed: null, extension: 'avi', args: ['-c:v', 'mpeg4'] });
    const { path, outcome } = await merge(clips, [old, mute]);
    assert.equal(outcome.method, 'encode');
    // AVI counts the last frame of each once more.
    const { length } = (await decode(path)).frames;
    assert.ok(length >= 60 && length <= 62, `${length} frames`);
  });
});
