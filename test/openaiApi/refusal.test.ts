import assert from 'node:assert/strict';
import { type RefusalKind, readRefusal } from '../../src/openaiApi/refusal.ts';
import { readWait } from '../../src/openaiApi/retryAfter.ts';

describe('a refusal of a service with OpenAI’s API', () => {
  const cases: [number | null, unknown, RefusalKind][] = [
    // Status (null: in the body of a 200), error, what it comes to.
    [429, { code: 'rate_limit_exceeded' }, 'rate_limited'],
    [429, { code: 'billing_not_active' }, 'exhausted'],
    [429, { type: 'credits_exhausted' }, 'exhausted'],
    [429, { code: 'INSUFFICIENT_QUOTA' }, 'exhausted'],
    [403, { code: 'insufficient_credits' }, 'exhausted'],
    [402, 'no object', 'exhausted'],
    [400, { code: 'invalid_api_key' }, 'unauthorized'],
    [401, null, 'unauthorized'],
    [403, { metadata: { provider_name: 'a' } }, 'unauthorized'],
    [403, { metadata: { reasons: ['violence'] } }, 'moderated'],
    [400, { code: 'content_policy_violation' }, 'moderated'],
    [503, { code: 'slow_down' }, 'rate_limited'],
    [503, {}, 'trouble'],
    [408, {}, 'trouble'],
    [307, '', 'rejected'],
    [404, { code: 'model_not_found' }, 'rejected'],
    [null, { code: 402 }, 'exhausted'],
    [null, { code: '429' }, 'rate_limited'],
    [null, { code: 400 }, 'rejected'],
    [null, { code: 200 }, 'trouble'],
    [null, ['boom'], 'trouble'],
  ];
  for (const [status, error, kind] of cases)
    it(`${status ?? 'a 200'} with ${JSON.stringify(error)} is ${kind}`, () =>
      assert.equal(readRefusal({ status, error, headers: null }).kind, kind));

  it('keeps no word that may repeat what was sent', () => {
    const error = { code: 'a word', type: `sk-${'x'.repeat(48)}`, param: 'the prompt\n', message: 'no' };
    const { words, param } = readRefusal({ status: 400, error, headers: null });
    assert.deepEqual([words, param], [[], null]);
  });
});

describe('the wait that a service with OpenAI’s API asks for', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const DAY_MS = 24 * 3_600_000;
  const cases: [Record<string, string>, number | null][] = [
    [{}, null],
    [{ 'retry-after-ms': '12.3' }, 13],
    [{ 'retry-after-ms': '350', 'retry-after': '7' }, 350],
    [{ 'retry-after-ms': 'nonsense', 'retry-after': '4' }, 4000],
    [{ 'retry-after-ms': '', 'retry-after': '4' }, 4000],
    [{ 'retry-after-ms': '' }, null],
    [{ 'retry-after-ms': '0' }, null],
    [{ 'retry-after-ms': 'Infinity' }, null],
    [{ 'retry-after-ms': '1e300' }, DAY_MS],
    [{ 'retry-after': '2.5' }, 2500],
    [{ 'retry-after': 'Sat, 21 Nov 2026 12:01:00 GMT' }, 60_000],
  ];
  for (const [headers, expected] of cases)
    it(`${JSON.stringify(headers)}: ${expected}`, () =>
      assert.equal(readWait(new Headers(headers), now), expected));
});
