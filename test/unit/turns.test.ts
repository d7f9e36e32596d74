import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTurns } from '../../src/http/events/turns.ts';

describe('turns', () => {
  it('go round among those who wait, and are in order for each', async () => {
    const inTurn = createTurns(2);
    const begun: string[] = [];
    let atWork = 0;
    let most = 0;
    const work = (name: string) => async () => {
      begun.push(name);
      atWork += 1;
      most = Math.max(most, atWork);
      await nextTurn();
      atWork -= 1;
      return name;
    };
    const crowd = Array.from({ length: 1000 }, (_, at) => inTurn('crowd', work(`crowd ${at}`)));
    const others = ['a 0', 'b 0', 'a 1'].map((name) => inTurn(name.charAt(0), work(name)));
    assert.deepEqual(await Promise.all(others), ['a 0', 'b 0', 'a 1']);
    // Two were at work already, one of the crowd was next.
    assert.deepEqual(begun.slice(0, 7), [
      ...['crowd 0', 'crowd 1', 'crowd 2', 'a 0', 'b 0', 'crowd 3', 'a 1'],
    ]);
    await Promise.all(crowd);
    assert.deepEqual(
      begun.filter((name) => name.startsWith('crowd')),
      crowd.map((_, at) => `crowd ${at}`),
    );
    assert.equal(most, 2);
  });

  it('are given back by work that fails', async () => {
    const inTurn = createTurns(1);
    await assert.rejects(
      inTurn('a', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await inTurn('b', async () => 'done'), 'done');
  });
});
