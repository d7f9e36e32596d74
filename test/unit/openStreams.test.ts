import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';
import { createOpenStreams } from '../../src/http/shares/openStreams.ts';
import { createLog } from '../../src/log.ts';
import { waitFor } from '../support/stack.ts';

const log = createLog({ level: 'silent', program: 'test' });

/** A running answer that can be cut, or end by itself. */
function runAnswer(ip = '192.0.2.1') {
  const res = Object.assign(new EventEmitter(), { closed: false });
  const end = () => {
    res.closed = true;
    res.emit('close');
  };
  const answer = { isCut: false, end, ctx: {} as Context };
  const socket = {
    resetAndDestroy: () => {
      answer.isCut = true;
      end();
    },
  };
  answer.ctx = { ip, req: { socket }, res } as unknown as Context;
  return answer;
}

/** A database that answers as told, and how often it was asked for what. */
function askable() {
  const live = new Set<string>();
  const asked: string[][] = [];
  const state = { isAway: false, live, asked, answeredAt: 0 };
  const findLive = async (ids: string[]) => {
    asked.push([...ids].sort());
    if (state.isAway) throw new Error('the database is away');
    state.answeredAt = performance.now();
    return new Set(ids.filter((id) => live.has(id)));
  };
  return { state, findLive };
}

describe('running answers of shares', () => {
  it('are asked about all at once, each share once, and cut when it is good no more', async () => {
    const { state, findLive } = askable();
    for (const id of ['a', 'b']) state.live.add(id);
    const streams = createOpenStreams({ findLive, log, checkEveryMs: 10 });
    const [first, second, other] = [runAnswer(), runAnswer(), runAnswer()];
    streams.watch('a', first.ctx);
    streams.watch('a', second.ctx);
    streams.watch('b', other.ctx);
    await waitFor(() => state.asked.length >= 2, { what: 'two questions', everyMs: 2 });
    assert.deepEqual(state.asked[0], ['a', 'b']);
    assert.deepEqual([first.isCut, second.isCut, other.isCut], [false, false, false]);
    state.live.delete('a');
    await waitFor(() => first.isCut && second.isCut, { what: 'the cut', everyMs: 2 });
    assert.equal(other.isCut, false);
    other.end();
  });

  it('are let go of when they end: then nothing is asked', async () => {
    const { state, findLive } = askable();
    state.live.add('a');
    const streams = createOpenStreams({ findLive, log, checkEveryMs: 5 });
    const [answer, gone] = [runAnswer(), runAnswer()];
    gone.end();
    streams.watch('a', gone.ctx);
    await delay(30);
    assert.equal(state.asked.length, 0, 'one that ended before it was watched');
    streams.watch('a', answer.ctx);
    await waitFor(() => state.asked.length > 0, { what: 'a question', everyMs: 2 });
    answer.end();
    await delay(10);
    const { length } = state.asked;
    await delay(50);
    assert.equal(state.asked.length, length);
    assert.deepEqual([answer.isCut, gone.isCut], [false, false]);
  });

  it('are so many for one share and network, and no more', async () => {
    const { findLive } = askable();
    const streams = createOpenStreams({ findLive, log, maxOpen: 2 });
    const refused = { code: 'rate_limited', status: 429, headers: { 'Retry-After': '10' } };
    const answers = [runAnswer(), runAnswer()];
    for (const { ctx } of answers) streams.watch('a', ctx);
    const late = runAnswer();
    assert.throws(() => streams.watch('a', late.ctx), refused);
    const elsewhere = [
      ['b', runAnswer()],
      ['a', runAnswer('192.0.2.2')],
      ['a', runAnswer('2001:db8::1')],
      ['a', runAnswer('2001:db8::2')],
    ] as const;
    for (const [share, { ctx }] of elsewhere) streams.watch(share, ctx);
    assert.throws(() => streams.watch('a', runAnswer('2001:db8::3').ctx), refused);
    answers[0]?.end();
    streams.watch('a', late.ctx);
    for (const { end } of [...answers, late, ...elsewhere.map(([, answer]) => answer)]) end();
  });

  it('go on without the database for a while, and not for ever', async () => {
    const { state, findLive } = askable();
    state.live.add('a');
    const uncheckedMs = 1000;
    const streams = createOpenStreams({ findLive, log, checkEveryMs: 10, uncheckedMs });
    const answer = runAnswer();
    streams.watch('a', answer.ctx);
    const furtherQuestions = (count: number) => {
      const { length } = state.asked;
      return waitFor(() => state.asked.length >= length + count, { what: 'questions', everyMs: 2 });
    };
    await furtherQuestions(1);
    state.isAway = true;
    await furtherQuestions(5);
    assert.equal(answer.isCut, false);
    state.isAway = false;
    await furtherQuestions(2);
    state.isAway = true;
    await waitFor(() => answer.isCut, { what: 'the cut', everyMs: 2 });
    // The clock of the streams began a moment before the answer.
    const lasted = performance.now() - state.answeredAt;
    assert.ok(lasted > uncheckedMs * 0.9, `${lasted} ms`);
  });
});
