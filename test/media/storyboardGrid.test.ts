import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fitWidth, planStoryboard, storyboardIndex } from '../../src/media/storyboardGrid.ts';

const SEED = { seed: 20261121, numRuns: 1000 };

const side = fc.integer({ min: 1, max: 8192 });
const milliseconds = fc.integer({ min: 1, max: 6 * 3_600_000 });

const readTimes = (index: string) =>
  [...index.matchAll(/(\d\d):(\d\d):(\d\d)\.(\d{3})/g)].map(
    ([, hours, minutes, sec, ms]) =>
      ((Number(hours) * 60 + Number(minutes)) * 60 + Number(sec)) * 1000 + Number(ms),
  );

describe('the storyboard grid', () => {
  it('covers every length from start to end, without gap, overlap or empty cell', () => {
    fc.assert(
      fc.property(side, side, milliseconds, (width, height, lengthMs) => {
        const durationSec = lengthMs / 1000;
        const grid = planStoryboard({ width, height, durationSec });
        assert.ok(grid.count >= 1 && grid.count <= 100 && grid.intervalSec >= 1);
        assert.ok(grid.count <= grid.columns * grid.rows && grid.count > grid.columns * (grid.rows - 1));
        assert.ok(grid.tileWidth <= 160 && grid.tileHeight <= 160);
        assert.deepEqual([grid.tileWidth % 2, grid.tileHeight % 2], [0, 0]);
        const times = readTimes(storyboardIndex(grid, durationSec, 's.jpg'));
        assert.equal(times.length, grid.count * 2);
        assert.equal(times[0], 0);
        assert.equal(times.at(-1), lengthMs);
        for (let at = 0; at < times.length; at += 2) {
          assert.ok((times[at + 1] as number) > (times[at] as number), `cell ${at / 2} is empty`);
          if (at > 0) assert.equal(times[at], times[at - 1]);
        }
      }),
      SEED,
    );
  });

  it('fits pictures into a width, with even sides, never enlarged', () => {
    assert.deepEqual(fitWidth({ width: 1920, height: 1080 }, 640), { width: 640, height: 360 });
    assert.deepEqual(fitWidth({ width: 1080, height: 1920 }, 640), { width: 640, height: 1138 });
    assert.deepEqual(fitWidth({ width: 321, height: 241 }, 640), { width: 320, height: 240 });
    assert.deepEqual(fitWidth({ width: 1, height: 1 }, 640), { width: 2, height: 2 });
  });
});
