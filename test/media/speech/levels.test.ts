import assert from 'node:assert/strict';
import { createLevelMeter, NOTHING_DB, WINDOW_SEC } from '../../../src/media/speech/levels.ts';

const RATE = 16_000;
const WINDOW = RATE * WINDOW_SEC;

const toBytes = (samples: number[]): Buffer => {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [at, sample] of samples.entries()) bytes.writeInt16LE(Math.round(sample), at * 2);
  return bytes;
};
const tone = (amplitude: number, windows: number, constant = 0): number[] =>
  Array.from(
    { length: windows * WINDOW },
    (_, at) => constant + amplitude * Math.sin((2 * Math.PI * 400 * at) / RATE),
  );

const measure = (...pieces: Buffer[]) => {
  const meter = createLevelMeter();
  for (const piece of pieces) meter.feed(piece);
  return meter.read();
};

describe('the loudness of sound', () => {
  it('is told for each window, on average and at its peak', () => {
    const { loudness, peaks, lengthSec } = measure(toBytes([...tone(32_767, 2), ...tone(327.67, 1)]));
    // A sine is 3 dB below its peak.
    assert.deepEqual([...loudness], [-3, -3, -43]);
    assert.deepEqual([...peaks], [0, 0, -40]);
    assert.equal(lengthSec, 3 * WINDOW_SEC);
  });

  it('is that of what moves: silence is none, and neither is a constant', () => {
    for (const constant of [0, 900, -32_768]) {
      const { loudness, peaks } = measure(toBytes(Array.from({ length: WINDOW }, () => constant)));
      assert.deepEqual([[...loudness], [...peaks]], [[NOTHING_DB], [NOTHING_DB]]);
    }
    assert.deepEqual([...measure(toBytes(tone(3276.7, 1, 5000))).loudness], [-23]);
  });

  it('does not depend on where the bytes are torn apart', () => {
    const bytes = toBytes([...tone(9000, 3), ...tone(50, 2), 7, 8, 9]);
    const whole = measure(bytes);
    for (const length of [1, 3, 64, 641]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) =>
        bytes.subarray(at * length, (at + 1) * length),
      );
      assert.deepEqual(measure(...pieces, Buffer.alloc(0)), whole, String(length));
    }
    assert.equal(whole.loudness.length, 6);
    assert.equal(whole.lengthSec, (5 * WINDOW + 3) / RATE);
  });

  it('of nothing is none', () => {
    assert.deepEqual([...measure().loudness], []);
    assert.equal(measure().lengthSec, 0);
  });

  it('is kept for as long as a track goes on', () => {
    const minute = Buffer.alloc(60 * RATE * 2);
    const { loudness, lengthSec } = measure(...Array.from({ length: 20 }, () => minute));
    assert.deepEqual([loudness.length, lengthSec], [20 * 60 * 50, 20 * 60]);
  });
});
