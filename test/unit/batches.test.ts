import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { inBatches } from '../../activities/batches.ts';

describe('questions in batches', () => {
  it('are asked together while others are being answered, no more at a time than may be', async () => {
    const batches: number[][] = [];
    const ask = inBatches(
      async (items: number[]) => {
        batches.push(items);
        await turn();
        return items.map((item) => item * 10);
      },
      { maxItems: 3 },
    );
    const first = [1, 2].map(ask);
    await Promise.resolve();
    await Promise.resolve();
    const answers = await Promise.all([...first, ...[3, 4, 5, 6].map(ask)]);
    assert.deepEqual(answers, [10, 20, 30, 40, 50, 60]);
    assert.deepEqual(batches, [[1, 2], [3, 4, 5], [6]]);
    assert.equal(await ask(7), 70);
  });

  it('fail together, and not those after them', async () => {
    const ask = inBatches(
      async (items: string[]) => {
        if (items.includes('bad')) throw new Error('no');
        return items;
      },
      { maxItems: 2 },
    );
    const results = await Promise.allSettled(['a', 'bad', 'c'].map(ask));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
  });

  it('run side by side where they may', async () => {
    let running = 0;
    let most = 0;
    const ask = inBatches(
      async (items: number[]) => {
        most = Math.max(most, ++running);
        await turn();
        running -= 1;
        return items;
      },
      { maxItems: 1, maxRunning: 2 },
    );
    await Promise.all([1, 2, 3, 4, 5].map(ask));
    assert.equal(most, 2);
  });
});
