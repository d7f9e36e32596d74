import assert from 'node:assert/strict';
import fc from 'fast-check';
import { newId } from '../../src/db/ids.ts';
import { formatDuration, overallPercent, STEP_NAMES, STEP_STATES } from '../../src/domain/video.ts';
import { parseProcessVideoId, processVideoId } from '../../workflows/contract.ts';

describe('formatDuration', () => {
  it('writes hours, minutes and seconds', () => {
    const cases: [number, string][] = [
      [0, '00:00:00'],
      [60, '00:01:00'],
      [165.4, '00:02:45'],
      [59.6, '00:01:00'],
      [359_999, '99:59:59'],
      [360_000, '100:00:00'],
    ];
    for (const [durationSec, text] of cases) assert.equal(formatDuration(durationSec), text);
  });
});

describe('overallPercent', () => {
  it('lies between 0 and 100, and is 100 only when every step has ended', () => {
    const step = fc.record({
      name: fc.constantFrom(...STEP_NAMES),
      state: fc.constantFrom(...STEP_STATES),
      percent: fc.integer({ min: 0, max: 99 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 4 }), (steps) => {
        const percent = overallPercent(steps);
        assert.ok(percent >= 0 && percent <= 100 && Number.isInteger(percent));
        const ended = ['succeeded', 'skipped', 'failed', 'cancelled'];
        const allEnded = steps.length > 0 && steps.every(({ state }) => ended.includes(state));
        assert.equal(percent === 100, allEnded);
      }),
    );
  });
});

describe('ids of runs', () => {
  it('can be read back', () => {
    const videoId = newId();
    for (const run of [1, 2, 17])
      assert.deepEqual(parseProcessVideoId(processVideoId(videoId, run)), { videoId, run });
    assert.equal(processVideoId(videoId, 1), `video/${videoId}`);
    assert.equal(parseProcessVideoId(`video/${videoId}/remove`), null);
    assert.equal(parseProcessVideoId('reconcile'), null);
  });
});
