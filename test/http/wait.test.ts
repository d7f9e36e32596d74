import assert from 'node:assert/strict';
import type { Context } from 'koa';
import { notFound } from '../../src/http/problem.ts';
import type { Reply } from '../../src/http/route.ts';
import { readWait, waitForEnd } from '../../src/http/wait.ts';
import { createLog } from '../../src/log.ts';

const log = createLog({ level: 'silent', program: 'test' });

/** As much of a request as waiting looks at. */
const contextWith = (prefer: string, isGone = () => false) =>
  ({
    get: () => prefer,
    req: {
      socket: {
        get destroyed() {
          return isGone();
        },
      },
    },
  }) as unknown as Context;

describe('Prefer: wait', () => {
  it('is understood among other preferences, and is no more than a minute', () => {
    const cases: [string, number | null][] = [
      ['wait=5', 5],
      ['respond-async, wait=10', 10],
      ['Wait = "7"; x=1', 7],
      ['wait=0', 0],
      ['wait=3600', 60],
      ['return=minimal; await=9', null],
      ['wait', null],
      ['wait=-1', null],
      ['wait=1.5', null],
      ['wait=soon', null],
      ['', null],
    ];
    for (const [header, expected] of cases) assert.equal(readWait(contextWith(header)), expected, header);
  });

  const accepted: Reply = { status: 202, body: 'accepted', headers: { Location: '/x' } };

  it('gives the end as soon as it is there', async () => {
    let asked = 0;
    const poll = async () => (++asked === 3 ? { status: 200, body: 'end' } : null);
    const startedAt = Date.now();
    const reply = await waitForEnd(contextWith('wait=20'), accepted, { waitSec: 20, poll, log });
    assert.deepEqual(reply, { status: 200, body: 'end', headers: { 'Preference-Applied': 'wait=20' } });
    assert.ok(Date.now() - startedAt < 2000);
  });

  it('gives the first answer when the time is over', async () => {
    const startedAt = Date.now();
    const reply = await waitForEnd(contextWith(''), accepted, { waitSec: 1, poll: async () => null, log });
    assert.deepEqual(reply, {
      ...accepted,
      headers: { Location: '/x', 'Preference-Applied': 'wait=1' },
    });
    const ms = Date.now() - startedAt;
    assert.ok(ms >= 990 && ms < 2000, `${ms} ms`);
  });

  it('says how it stands by then, when that is known', async () => {
    const poll = async () => ({ status: 202, body: 'half done' });
    const reply = await waitForEnd(contextWith(''), accepted, { waitSec: 1, poll, log });
    assert.deepEqual(reply, {
      ...{ status: 202, body: 'half done' },
      headers: { Location: '/x', 'Preference-Applied': 'wait=1' },
    });
  });

  it('gives the first answer when the end cannot be asked for any more', async () => {
    for (const trouble of [notFound(), new Error('the database is away')]) {
      let asked = 0;
      const poll = async () => {
        asked += 1;
        if (asked < 3) return null;
        throw trouble;
      };
      const reply = await waitForEnd(contextWith(''), accepted, { waitSec: 20, poll, log });
      assert.deepEqual(reply, { ...accepted, headers: { Location: '/x', 'Preference-Applied': 'wait=20' } });
      assert.equal(asked, 3);
    }
  });

  it('says that an end belongs to a repetition', async () => {
    const replayed = { ...accepted, headers: { 'Idempotency-Replayed': 'true' } };
    const poll = async () => ({ status: 200, body: 'end' });
    const reply = await waitForEnd(contextWith(''), replayed, { waitSec: 1, poll, log });
    assert.deepEqual(reply.headers, { 'Idempotency-Replayed': 'true', 'Preference-Applied': 'wait=1' });
  });

  it('ends when the client is gone', async () => {
    let isGone = false;
    let asked = 0;
    const poll = async () => {
      asked += 1;
      isGone = asked === 2;
      return null;
    };
    await waitForEnd(
      contextWith('', () => isGone),
      accepted,
      { waitSec: 60, poll, log },
    );
    assert.equal(asked, 2);
  });
});
