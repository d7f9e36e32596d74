import assert from 'node:assert/strict';
import { readRetryAfter, toRefusal } from '../../src/cli/refusals.ts';
import { formatSize, formatSpan, printable } from '../../src/cli/text.ts';

describe('what the command shows and reads', () => {
  it('sizes and spans as people read them', () => {
    assert.deepEqual([0, 999, 1000, 1_500_000, 123_456_789, 2.5e12, 9e15].map(formatSize), [
      '0 B',
      '999 B',
      '1.0 kB',
      '1.5 MB',
      '123 MB',
      '2.5 TB',
      '9000 TB',
    ]);
    assert.deepEqual([0, 400, 9_949, 12_000, 59_400, 200_000, 7_500_000].map(formatSpan), [
      '0.0 s',
      '0.4 s',
      '9.9 s',
      '12 s',
      '59 s',
      '3 min 20 s',
      '2 h 5 min',
    ]);
  });

  it('names of files, without what a terminal would obey', () => {
    assert.equal(printable('a\u001b[31m\n\u202eb.mp4'), 'a\ufffd[31m\ufffd\ufffdb.mp4');
    assert.equal(printable('Käse 映画.mp4'), 'Käse 映画.mp4');
  });

  it('Retry-After in seconds and as a date', () => {
    const now = Date.parse('2026-11-21T10:00:00Z');
    assert.deepEqual(
      [
        '7',
        '0',
        '-3',
        'Sat, 21 Nov 2026 10:00:30 GMT',
        'Sat, 21 Nov 2026 09:00:00 GMT',
        'soon',
        '',
        undefined,
      ].map((value) => readRetryAfter(value, now)),
      [7000, 0, 0, 30_000, 0, undefined, undefined, undefined],
    );
  });

  it('answers that are not of videoflow', () => {
    const header = (values: Record<string, string>) => (name: string) => values[name];
    const refused = toRefusal({ status: 502, body: '<html>Bad gateway</html>', header: header({}) });
    assert.deepEqual([refused.code, refused.isRetryable], ['http_502', true]);
    const moved = toRefusal({ status: 301, body: '', header: header({ location: 'https://new.example/' }) });
    assert.deepEqual(
      [moved.isRetryable, moved.message],
      [false, 'The server redirects to https://new.example/: use that address'],
    );
  });

  it('the fields that are wrong', () => {
    const body = JSON.stringify({
      code: 'invalid_request',
      detail: 'Some fields are wrong',
      errors: [{ path: 'title', message: 'is too long' }],
    });
    assert.equal(
      toRefusal({ status: 422, body, header: () => undefined }).message,
      'Some fields are wrong: title is too long',
    );
  });
});
