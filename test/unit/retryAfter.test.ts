import assert from 'node:assert/strict';
import { readRetryAfter } from '../../src/domain/retryAfter.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 24 * 3_600_000;

describe('readRetryAfter', () => {
  const cases: [string | null | undefined, number | null][] = [
    [undefined, null],
    [null, null],
    ['', null],
    [' ', null],
    ['soon', null],
    ['7', 7000],
    [' 2.5 ', 2500],
    ['0', null],
    ['0.0', null],
    ['-3', null],
    ['NaN', null],
    ['Infinity', null],
    ['1e999', null],
    ['1e300', DAY_MS],
    ['31536000', DAY_MS],
    ['Sat, 21 Nov 2026 12:01:00 GMT', 60_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', null],
    ['Sat, 01 Jan 2000 00:00:00 GMT', null],
    ['Fri, 31 Dec 9999 23:59:59 GMT', DAY_MS],
  ];
  for (const [value, expected] of cases)
    it(`reads ${JSON.stringify(value)} as ${expected}`, () =>
      assert.equal(readRetryAfter(value, NOW), expected));

  it('waits no longer than its caller would', () =>
    assert.deepEqual([readRetryAfter('100', NOW, 9000), readRetryAfter('5', NOW, 9000)], [9000, 5000]));
});
