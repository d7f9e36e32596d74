import assert from 'node:assert/strict';
import { isFailingForGood, judgeAttempt } from '../../src/domain/webhook.ts';
import { signMessage } from '../../src/notifiers/webhook/sign.ts';
import { seededRandom } from '../support/stack.ts';

const RETRY_SEC = [5, 300, 1800, 7200];
const STARTED_AT = new Date('2026-11-21T12:00:00Z');
const DAY_SEC = 24 * 3600;

function waitSec(
  number: number,
  outcome: { status?: number | null; retryAfter?: string | null } = {},
  { random = 0, tookSec = 0 } = {},
): number | string {
  const now = new Date(STARTED_AT.getTime() + tookSec * 1000);
  const verdict = judgeAttempt(
    { status: null, retryAfter: null, ...outcome },
    { number, startedAt: STARTED_AT },
    { retrySec: RETRY_SEC, now, random },
  );
  return verdict.state === 'pending'
    ? (verdict.nextAttemptAt.getTime() - STARTED_AT.getTime()) / 1000
    : verdict.state;
}

describe('attempts at a webhook', () => {
  it('are repeated by the schedule, from the beginning of each, and then no more', () => {
    const waits = [1, 2, 3, 4, 5].map((number) => waitSec(number, {}, { tookSec: 15 }));
    assert.deepEqual(waits, [...RETRY_SEC, 'failed']);
  });

  it('come later by a tenth at most, and never sooner', () => {
    const random = seededRandom('webhook jitter');
    const waits = Array.from({ length: 1000 }, () => Number(waitSec(2, {}, { random: random.next() })));
    assert.ok(waits.every((wait) => wait >= 300 && wait <= 330));
    assert.ok(Math.min(...waits) < 303 && Math.max(...waits) > 327);
  });

  it('succeed with 2xx and with nothing else', () => {
    for (const status of [200, 201, 202, 204, 299]) assert.equal(waitSec(1, { status }), 'succeeded');
    for (const status of [100, 199, 300, 301, 304, 307, 400, 401, 404, 409, 500, 503, 599, null])
      assert.equal(waitSec(1, { status }), 5, `${status}`);
    assert.equal(waitSec(1, { status: 410 }), 'gone');
    assert.equal(waitSec(5, { status: 410 }), 'gone');
  });

  it('wait for as long as they are asked to, from the answer on: a day at most, and not less than scheduled', () => {
    for (const status of [429, 503]) {
      assert.equal(waitSec(1, { status, retryAfter: '60' }, { tookSec: 2 }), 62);
      assert.equal(waitSec(1, { status, retryAfter: 'Sat, 21 Nov 2026 12:02:00 GMT' }, { tookSec: 2 }), 120);
      assert.equal(waitSec(2, { status, retryAfter: '1' }), 300);
      assert.equal(waitSec(1, { status, retryAfter: '9999999' }), DAY_SEC);
      for (const retryAfter of ['', '-1', 'soon', 'Infinity', null])
        assert.equal(waitSec(1, { status, retryAfter }), 5);
    }
    for (const status of [200, 500, 404]) assert.notEqual(waitSec(1, { status, retryAfter: '60' }), 60);
    assert.equal(waitSec(5, { status: 429, retryAfter: '60' }), 'failed');
  });

  it('are given up for good after a time without success, but not for a few failures', () => {
    const limits = { disableAfterSec: 100, now: STARTED_AT };
    const since = (agoSec: number) => new Date(STARTED_AT.getTime() - agoSec * 1000);
    assert.equal(isFailingForGood({ failingSince: since(99), failures: 50 }, limits), false);
    assert.equal(isFailingForGood({ failingSince: since(100), failures: 2 }, limits), false);
    assert.equal(isFailingForGood({ failingSince: since(100), failures: 3 }, limits), true);
  });

  it('are signed as the example of the specification is', () => {
    // https://github.com/standard-webhooks/standard-webhooks, libraries/javascript/src/index.test.ts
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampSec: 1614265330,
      body: Buffer.from('{"test": 2432232314}'),
    };
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
    assert.equal(signMessage(message, [secret])['webhook-signature'], signature);
    const both = signMessage(message, [`whsec_${Buffer.alloc(32).toString('base64')}`, secret])[
      'webhook-signature'
    ];
    assert.equal(both?.split(' ')[1], signature);
  });
});
