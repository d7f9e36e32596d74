import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PACKET_SEC } from '../../../src/media/speech/commands.ts';
import { type Levels, WINDOW_SEC } from '../../../src/media/speech/levels.ts';
import { type PlannedChunk, planChunks } from '../../../src/media/speech/planChunks.ts';

const SPEECH_DB = -20;
const SILENT_DB = -100;

/** Builds a track of stretches, each so long and so loud; its peaks are 10 dB above. */
function track(...stretches: [sec: number, db: number][]): Levels {
  const windows = stretches.flatMap(([sec, db]) =>
    Array.from({ length: Math.round(sec / WINDOW_SEC) }, () => db),
  );
  const peaks = windows.map((db) => (db === SILENT_DB ? SILENT_DB : Math.min(0, db + 10)));
  return {
    loudness: Int8Array.from(windows),
    peaks: Int8Array.from(peaks),
    lengthSec: windows.length * WINDOW_SEC,
  };
}

/** Speech for so long, with a pause of the given length behind. */
const said = (sec: number, pauseSec: number, db = SPEECH_DB, pauseDb = SILENT_DB): [number, number][] => [
  [sec, db],
  [pauseSec, pauseDb],
];
const sentences = (count: number, ...how: Parameters<typeof said>): [number, number][] =>
  Array.from({ length: count }, () => said(...how)).flat();

const cutsOf = (chunks: PlannedChunk[]): number[] => chunks.slice(1).map(({ startSec }) => startSec);
const near = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= PACKET_SEC, `${actual} near ${expected}`);

describe('chunks of speech', () => {
  it('are one where everything fits', () => {
    const [chunk, ...others] = planChunks(track(...said(4, 1), ...said(3, 1)), 10);
    assert.deepEqual(chunk, {
      ...{ startSec: 0, endSec: 9, firstPacket: 0 },
      voiced: [
        { startSec: 0, endSec: 4 },
        { startSec: 5, endSec: 8 },
      ],
    });
    assert.deepEqual(others, []);
  });

  it('end in the middle of the last pause that fills them well', () => {
    const levels = track(...said(6.5, 0.6), ...said(2, 0.6), ...said(8, 0.6), ...said(3, 0));
    const [first, second] = cutsOf(planChunks(levels, 10));
    near(first, 6.5 + 0.6 + 2 + 0.3);
    near(second, 6.5 + 0.6 + 2 + 0.6 + 8 + 0.3);
  });

  it('take the end of a pause that goes on, and need not have its middle', () => {
    const [cut] = cutsOf(planChunks(track([9, SPEECH_DB], [3, SILENT_DB], [5, SPEECH_DB]), 10));
    near(cut, 9.88);
  });

  it('end between words where no sentence ends, and where nobody pauses at the quietest moment', () => {
    const [between] = cutsOf(planChunks(track(...said(5, 1), ...said(2, 0.14), [9, SPEECH_DB]), 10));
    near(between, 5 + 1 + 2 + 0.07);
    const [quietest] = cutsOf(planChunks(track([9.4, SPEECH_DB], [0.1, -24], [6, SPEECH_DB]), 10));
    near(quietest, 9.45);
  });

  it('leave no crumb behind', () => {
    const chunks = planChunks(track([10.2, SPEECH_DB]), 10);
    assert.equal(chunks.length, 2);
    const { startSec, endSec } = chunks[1] as PlannedChunk;
    assert.ok(endSec - startSec >= 1 - PACKET_SEC, `${endSec - startSec} s`);
  });

  it('end with the track, and so does what is heard', () => {
    const levels = { ...track([2, SPEECH_DB]), lengthSec: 1.9876543 };
    const [chunk] = planChunks(levels, 10);
    assert.deepEqual([chunk?.endSec, chunk?.voiced], [1.988, [{ startSec: 0, endSec: 1.988 }]]);
  });

  it('are none of a track that holds no word at all', () => {
    assert.deepEqual(planChunks(track([0.08, SPEECH_DB]), 10), []);
    assert.deepEqual(planChunks(track(), 10), []);
  });

  it('are silent only where nothing is heard', () => {
    const voiced = (...stretches: [number, number][]) =>
      planChunks(track(...stretches), 10).map((chunk) => chunk.voiced.length > 0);
    assert.deepEqual(voiced([30, SILENT_DB]), [false, false, false, false]);
    assert.deepEqual(voiced([30, -72]), [false, false, false, false], 'its peaks are at -62 dBFS');
    assert.deepEqual(voiced([8, -68]), [true], 'its peaks are at -58 dBFS');
    assert.deepEqual(voiced([9, SPEECH_DB], [18, SILENT_DB]), [true, false, false]);
    const faint = planChunks(track([9, SPEECH_DB], [4, SILENT_DB], [1, -65], [13, SILENT_DB]), 10);
    assert.deepEqual(faint.map(({ voiced }) => voiced).at(1), [{ startSec: 13, endSec: 14 }]);
  });

  it('know quiet speech from silence, and pauses in a noisy room', () => {
    const quiet = planChunks(track(...sentences(5, 3, 0.6, -55)), 10);
    near(cutsOf(quiet)[0], 2 * 3.6 - 0.3);
    assert.equal(quiet.flatMap(({ voiced }) => voiced).length, 5);
    const noisy = planChunks(track(...sentences(5, 3, 0.6, -24, -40)), 10);
    near(cutsOf(noisy)[0], 2 * 3.6 - 0.3);
    assert.equal(noisy.flatMap(({ voiced }) => voiced).length, 5);
  });

  it('judge what is said by what is around it: behind loud music as well', () => {
    const chunks = planChunks(track([300, -8], ...sentences(60, 3, 0.6, -48)), 60);
    const behind = chunks.filter(({ startSec }) => startSec > 360);
    assert.ok(behind.length >= 2);
    for (const { startSec, voiced } of behind) {
      near((startSec - 300 + 0.3 + 1.8) % 3.6, 1.8);
      assert.ok(
        voiced.every((range) => Math.abs(range.endSec - range.startSec - 3) < 0.1),
        JSON.stringify(voiced),
      );
    }
  });

  it('join what hardly pauses', () => {
    const [chunk] = planChunks(track(...said(1, 0.2), ...said(1, 0.28), ...said(1, 0.4), ...said(1, 0)), 10);
    assert.deepEqual(chunk?.voiced, [
      { startSec: 0, endSec: 3.48 },
      { startSec: 3.88, endSec: 4.88 },
    ]);
  });

  it('follow each other to the end, none too long, and all sound is in one of them', () => {
    const stretch = fc.tuple(
      fc.double({ min: 0.02, max: 12, noNaN: true }),
      fc.constantFrom(SILENT_DB, -70, -45, -20, -3),
    );
    const seed = Number(process.env.SEED ?? 1);
    fc.assert(
      fc.property(
        fc.array(stretch, { maxLength: 60 }),
        fc.integer({ min: 5, max: 40 }),
        (stretches, maxSec) => {
          const levels = track(...stretches);
          const chunks = planChunks(levels, maxSec);
          if (levels.lengthSec < 0.1) return chunks.length === 0;
          let end = 0;
          for (const chunk of chunks) {
            assert.equal(chunk.startSec, end);
            assert.ok(chunk.endSec > chunk.startSec && chunk.endSec - chunk.startSec <= maxSec);
            assert.ok(Math.abs(chunk.startSec - chunk.firstPacket * PACKET_SEC) < 1e-6);
            let last = chunk.startSec;
            for (const { startSec, endSec } of chunk.voiced) {
              assert.ok(startSec >= last && endSec > startSec && endSec <= chunk.endSec + 1e-6);
              last = endSec;
            }
            end = chunk.endSec;
          }
          assert.ok(Math.abs(end - levels.lengthSec) < 0.001);
        },
      ),
      { seed, numRuns: 300 },
    );
  });
});
