import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { workInLanes } from '../../activities/lanes.ts';
import { TranscriberBlockedError, TranscriberTroubleError } from '../../src/transcriber/errors.ts';

const limited = (retryAfterMs: number | null) =>
  new TranscriberTroubleError('transcriber_rate_limited', 'Too often', { retryAfterMs });
const blocked = new TranscriberBlockedError('transcriber_quota_exhausted', 'No credit');

describe('workInLanes', () => {
  it('does everything once, so many at a time', async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];
    await workInLanes([5, 4, 3, 2, 1], 2, async (item) => {
      now += 1;
      most = Math.max(most, now);
      await delay(item * 2);
      now -= 1;
      done.push(item);
    });
    assert.deepEqual([done.sort(), most], [[1, 2, 3, 4, 5], 2]);
    await workInLanes([], 2, async () => assert.fail('there is nothing to be done'));
  });

  it('begins nothing more after a failure, and waits for what is at work', async () => {
    const ended: number[] = [];
    const work = async (item: number) => {
      if (item === 1) throw blocked;
      await delay(20);
      ended.push(item);
    };
    await assert.rejects(workInLanes([1, 2, 3, 4], 2, work), blocked);
    assert.deepEqual(ended, [2]);
  });

  it('throws what says most: what stops everything, else the longest wait', async () => {
    const unknown = new Error('unknown');
    for (const [failures, weightiest] of [
      [[limited(5), blocked, limited(9)], 1],
      [[limited(5), limited(null), limited(9)], 2],
      [[unknown, limited(null)], 1],
      [[unknown], 0],
    ] as const) {
      const all = workInLanes([...failures], failures.length, async (failure) => {
        throw failure;
      });
      await assert.rejects(all, failures[weightiest]);
    }
  });
});
