import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  createProgressReader,
  type ProgressReport,
  percentOfFrames,
  percentOfLength,
} from '../../src/media/progress.ts';

const EMPTY: ProgressReport = { outTimeSec: null, frames: 0, firstSeenSec: null, lastSeenSec: null };

const read = (...chunks: string[]) => {
  const reports: ProgressReport[] = [];
  const reader = createProgressReader((report) => reports.push(report));
  for (const chunk of chunks) reader.feed(chunk);
  return { reports, last: reader.report() };
};

describe('progress', () => {
  it('reads blocks however they are cut, and reports once a block', () => {
    const text =
      'frame=12\nout_time_us=1500000\nprogress=continue\nframe=20\nout_time_us=2500000\nprogress=end\n';
    for (let at = 0; at <= text.length; at++) {
      const { reports, last } = read(text.slice(0, at), text.slice(at));
      assert.deepEqual(
        reports.map((report) => report.outTimeSec),
        [1.5, 2.5],
      );
      assert.equal(last.frames, 20);
    }
  });

  it('keeps what it knew when a value is not available', () => {
    const { last } = read(
      'out_time_us=1000000\nprogress=continue\nout_time_us=N/A\nframe=x\nprogress=continue\n',
    );
    assert.deepEqual(last, { ...EMPTY, outTimeSec: 1 });
  });

  it('takes the times of the first and the last printed frame', () => {
    const { last } = read('frame:0    pts:-23040  pts_time:-1.5\nk=v\nframe:1    pts:512  pts_time:0.033\n');
    assert.deepEqual([last.firstSeenSec, last.lastSeenSec], [-1.5, 0.033]);
  });

  it('gives whole percents from 0 to 99 whatever is printed', () => {
    fc.assert(
      fc.property(
        fc.string(),
        ...[fc.double(), fc.double(), fc.double()],
        (noise, outTimeSec, lastSeenSec, expected) => {
          const { last } = read(`${noise}\nout_time_us=${outTimeSec}\nframe=${lastSeenSec}\n`);
          for (const report of [last, { ...last, outTimeSec, lastSeenSec }]) {
            for (const percent of [percentOfLength(expected)(report), percentOfFrames(expected)(report)]) {
              assert.ok(Number.isInteger(percent) && percent >= 0 && percent <= 99, `${percent}`);
            }
          }
        },
      ),
      { seed: 20261121, numRuns: 1000 },
    );
  });

  it('goes by what was written, by what was only seen so far, or by the number of frames', () => {
    const ofMinute = percentOfLength(60);
    assert.equal(ofMinute(EMPTY), 0);
    assert.equal(ofMinute({ ...EMPTY, outTimeSec: 30 }), 50);
    assert.equal(ofMinute({ ...EMPTY, outTimeSec: 60 }), 99);
    assert.equal(ofMinute({ ...EMPTY, lastSeenSec: 45 }), 75);
    assert.equal(percentOfFrames(100)({ ...EMPTY, frames: 7, outTimeSec: 60 }), 7);
  });
});
