import assert from 'node:assert/strict';
import {
  type AttemptFailure,
  decideRetry,
  emptyTally,
  type FailureKind,
  OUTSIDE_PATIENCE_MS,
  REMOTE_ATTEMPTS,
} from '../../src/domain/retries.ts';

const failure = (kind: FailureKind): AttemptFailure => ({
  kind,
  code: `${kind}_code`,
  message: `${kind} trouble`,
});

/** Delays of every retry until it is given up, the clock moving by each of them. */
function delaysUntilGivenUp(kind: FailureKind, limit = 5000): { delays: number[]; code: string | null } {
  let tally = emptyTally();
  let nowMs = 0;
  const delays: number[] = [];
  while (delays.length < limit) {
    const decision = decideRetry(tally, failure(kind), nowMs);
    if (decision.action === 'give_up') return { delays, code: decision.code };
    delays.push(decision.delayMs);
    nowMs += decision.delayMs;
    tally = decision.tally;
  }
  return { delays, code: null };
}

describe('decideRetry', () => {
  it('gives a permanent failure up at once, as one that no retry helps', () => {
    const decision = decideRetry(emptyTally(), failure('permanent'), 0);
    assert.ok(decision.action === 'give_up' && !decision.retryable);
  });

  it('gives up at once what waits for a person, as one that may be retried afterwards', () => {
    const decision = decideRetry(emptyTally(), failure('blocked'), 0);
    assert.ok(decision.action === 'give_up' && decision.retryable && decision.code === 'blocked_code');
  });

  it('makes five attempts at media trouble, with back-off', () => {
    assert.deepEqual(delaysUntilGivenUp('media'), { delays: [1000, 2000, 4000, 8000], code: 'media_code' });
  });

  it('calls a step under which the worker died three times crashed', () => {
    assert.deepEqual(delaysUntilGivenUp('crash'), { delays: [1000, 2000], code: 'processing_crashed' });
  });

  it('waits for the outside for a day, at most five minutes at a time', () => {
    const { delays, code } = delaysUntilGivenUp('outside');
    assert.equal(code, 'outside_code');
    assert.equal(Math.max(...delays), 300_000);
    const totalMs = delays.reduce((sum, delay) => sum + delay, 0);
    assert.ok(totalMs >= OUTSIDE_PATIENCE_MS && totalMs < OUTSIDE_PATIENCE_MS + 600_000);
  });

  it('waits for somebody else’s server for about an hour, or for as long as it asks', () => {
    const { delays, code } = delaysUntilGivenUp('remote');
    assert.equal(code, 'remote_code');
    const totalMs = delays.reduce((sum, delay) => sum + delay, 0);
    assert.ok(totalMs > 50 * 60_000 && totalMs < 70 * 60_000, `${totalMs} ms`);
    const asked = decideRetry(emptyTally(), { ...failure('remote'), retryAfterMs: 90_000 }, 0);
    assert.ok(asked.action === 'retry' && asked.delayMs === 90_000);
  });

  it('goes on as long as attempts make progress before somebody else’s server stops them', () => {
    const stopped = { ...failure('remote'), retryAfterMs: 20_000 };
    let tally = emptyTally();
    for (let attempt = 0; attempt < 500; attempt++) {
      const decision = decideRetry(tally, { ...stopped, madeProgress: true }, 0);
      assert.ok(decision.action === 'retry' && decision.delayMs === 20_000);
      tally = decision.tally;
    }
    // From then on without progress: the last one that made some was the first failure of this row.
    let more = 0;
    for (;;) {
      const decision = decideRetry(tally, stopped, 0);
      if (decision.action === 'give_up') break;
      tally = decision.tally;
      more += 1;
    }
    assert.equal(more, REMOTE_ATTEMPTS - 2);
  });

  it('counts anew what kills workers after each attempt that got something done', () => {
    let tally = emptyTally();
    for (const madeProgress of [false, true, false, true, true]) {
      const decision = decideRetry(tally, { ...failure('crash'), madeProgress }, 0);
      assert.ok(decision.action === 'retry');
      tally = decision.tally;
    }
    const second = decideRetry(tally, failure('crash'), 0);
    assert.ok(second.action === 'retry');
    assert.equal(decideRetry(second.tally, failure('crash'), 0).action, 'give_up');
  });

  it('waits for the outside as long as it asks, and for another day after progress', () => {
    const limited = { ...failure('outside'), retryAfterMs: 3_600_000 };
    const first = decideRetry(emptyTally(), limited, 0);
    assert.ok(first.action === 'retry' && first.delayMs === 3_600_000);
    const later = OUTSIDE_PATIENCE_MS;
    assert.equal(decideRetry(first.tally, limited, later).action, 'give_up');
    const next = decideRetry(first.tally, { ...limited, madeProgress: true }, later);
    assert.ok(next.action === 'retry');
    assert.equal(decideRetry(next.tally, limited, later + 1).action, 'retry');
  });

  it('takes back up what a stopping worker gave back, at once and as often as it happens', () => {
    const { delays, code } = delaysUntilGivenUp('interrupted', 50);
    assert.equal(code, null);
    assert.ok(delays.every((delay) => delay === 0));
  });

  it('counts kinds apart from each other', () => {
    let tally = emptyTally();
    for (const kind of ['media', 'crash', 'media', 'crash', 'media', 'outside', 'media'] as const) {
      const decision = decideRetry(tally, failure(kind), 0);
      assert.equal(decision.action, 'retry', kind);
      if (decision.action === 'retry') tally = decision.tally;
    }
    assert.equal(decideRetry(tally, failure('crash'), 0).action, 'give_up');
    assert.equal(decideRetry(tally, failure('media'), 0).action, 'give_up');
  });
});
