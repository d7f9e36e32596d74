import assert from 'node:assert/strict';
import { z } from 'zod';
import { parsePart } from '../../src/http/parse.ts';
import { HttpProblem } from '../../src/http/problem.ts';

function refusalOf(value: unknown): string {
  try {
    parsePart(z.unknown(), value);
  } catch (error) {
    if (error instanceof HttpProblem) return error.errors?.map(({ path }) => path).join(' ') ?? '';
    throw error;
  }
  return 'taken';
}

describe('the parts of a request', () => {
  it('hold no text that could not be kept, at whatever place', () => {
    assert.equal(refusalOf({ a: ['b', { c: 'd' }], e: null, f: 1 }), 'taken');
    assert.equal(refusalOf('\0'), 'value');
    assert.equal(refusalOf({ a: ['b', '\ud800'], c: '\0' }), 'a.1');
    assert.equal(refusalOf({ a: { 'b\0': 1 } }), 'a.key');
    assert.equal(refusalOf({ '\ufffd': 1 }), 'key');
  });

  it('may be as deep as they like where they are left unread', () => {
    const nested = (inside: string) =>
      JSON.parse(`${'['.repeat(100_000)}${inside}${']'.repeat(100_000)}`) as unknown;
    assert.equal(refusalOf({ version: nested('') }), 'taken');
    assert.equal(refusalOf({ version: nested('"\\u0000"') }).length, 'version'.length + 2 * 100_000);
  });
});
