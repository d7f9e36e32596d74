import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createProgressReader, type ProgressReport, progressPercent } from '../../src/media/progress.ts';

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
    assert.deepEqual(last, { outTimeSec: 1, frames: 0, frameTimeSec: null });
  });

  it('takes the time of the first printed frame', () => {
    const { last } = read('frame:0    pts:-23040  pts_time:-1.5\nk=v\nframe:1    pts:512  pts_time:0.033\n');
    assert.equal(last.frameTimeSec, -1.5);
  });

  it('gives whole percents from 0 to 99 whatever is printed', () => {
    fc.assert(
      fc.property(fc.string(), fc.double(), fc.double(), (noise, outTimeSec, expectedSec) => {
        const { last } = read(`${noise}\nout_time_us=${outTimeSec}\n`);
        for (const report of [last, { ...last, outTimeSec }]) {
          const percent = progressPercent(report, expectedSec);
          assert.ok(Number.isNaN(outTimeSec) || (Number.isInteger(percent) && percent >= 0 && percent <= 99));
        }
      }),
      { seed: 20261121, numRuns: 1000 },
    );
    assert.equal(progressPercent({ outTimeSec: 30, frames: 0, frameTimeSec: null }, 60), 50);
    assert.equal(progressPercent({ outTimeSec: 60, frames: 0, frameTimeSec: null }, 60), 99);
  });
});
