import assert from 'node:assert/strict';
import { ConnectionException } from '@mikro-orm/core';
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { toFailure } from '../../activities/failures.ts';
import { DiskFullError, MediaToolError, UnusableMediaError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { SealedTextError } from '../../src/secrets/sealing.ts';
import { TranscriberBlockedError, TranscriberTroubleError } from '../../src/transcriber/errors.ts';

const log = createLog({ level: 'silent', program: 'test' });
const named = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name, ...(code ? { code } : {}) });

describe('toFailure', () => {
  const cases: [string, unknown, { type: string; kind: string; nonRetryable: boolean }][] = [
    [
      'unusable media',
      new UnusableMediaError('corrupt_media', 'Broken'),
      { type: 'corrupt_media', kind: 'permanent', nonRetryable: true },
    ],
    [
      'a failing tool',
      new MediaToolError('It failed'),
      { type: 'media_tool_failed', kind: 'media', nonRetryable: false },
    ],
    ['a full disk', new DiskFullError(), { type: 'storage_full', kind: 'outside', nonRetryable: false }],
    [
      'a service that wants to be paid',
      new TranscriberBlockedError('transcriber_quota_exhausted', 'No credit'),
      { type: 'transcriber_quota_exhausted', kind: 'blocked', nonRetryable: true },
    ],
    [
      'an address whose key is gone',
      new SealedTextError(),
      { type: 'secret_unreadable', kind: 'blocked', nonRetryable: true },
    ],
    [
      'a service that is away',
      new TranscriberTroubleError('transcriber_unavailable', 'Away'),
      { type: 'transcriber_unavailable', kind: 'remote', nonRetryable: false },
    ],
    [
      'a full disk as Node says it',
      named('Error', 'ENOSPC: no space left, write /x', 'ENOSPC'),
      { type: 'storage_full', kind: 'outside', nonRetryable: false },
    ],
    [
      'a database away',
      new ConnectionException(new Error('connect ECONNREFUSED 127.0.0.1')),
      { type: 'database_unavailable', kind: 'outside', nonRetryable: false },
    ],
    [
      'a broken statement',
      named('SyntaxErrorException', 'select /secret', '42601'),
      { type: 'internal_error', kind: 'media', nonRetryable: false },
    ],
    [
      'an engine away',
      named('ServiceError', 'connect 127.0.0.1:7233'),
      { type: 'engine_unavailable', kind: 'outside', nonRetryable: false },
    ],
    [
      'a mistake of ours',
      new TypeError('x is undefined at /secret/path.ts'),
      { type: 'internal_error', kind: 'media', nonRetryable: false },
    ],
    ['no error at all', 'oops /secret', { type: 'internal_error', kind: 'media', nonRetryable: false }],
  ];
  for (const [what, error, expected] of cases) {
    it(`names ${what} ${expected.type}`, () => {
      const failure = toFailure(error, log);
      assert.equal(failure.type, expected.type);
      assert.deepEqual(failure.details, [expected.kind]);
      assert.equal(failure.nonRetryable, expected.nonRetryable);
      assert.doesNotMatch(failure.message, /secret|127\.0|ENOSPC|\/x/);
    });
  }

  it('tells how long a service asks to be left alone, and whether the attempt got something done', () => {
    const detailsOf = (retryAfterMs: number | null, madeProgress: boolean) => {
      const error = new TranscriberTroubleError('transcriber_rate_limited', 'Too often', { retryAfterMs });
      error.madeProgress = madeProgress;
      return toFailure(error, log).details;
    };
    assert.deepEqual(detailsOf(7000, false), ['outside', { retryAfterMs: 7000 }]);
    assert.deepEqual(detailsOf(null, true), ['outside', { madeProgress: true }]);
    assert.deepEqual(detailsOf(7000, true), ['outside', { retryAfterMs: 7000, madeProgress: true }]);
  });

  it('never gives the engine a delay that it cannot take, or takes for the end', () => {
    const delayOf = (retryAfterMs: number) =>
      toFailure(new TranscriberTroubleError('transcriber_rate_limited', 'Too often', { retryAfterMs }), log);
    for (const ms of [Number.POSITIVE_INFINITY, Number.NaN, 0, -5]) {
      const failed = delayOf(ms);
      assert.deepEqual([failed.nextRetryDelay, failed.details], [undefined, ['outside']], String(ms));
    }
    for (const ms of [0.2, 7000, 1e300]) {
      const proto = new DefaultFailureConverter().errorToFailure(delayOf(ms), defaultPayloadConverter);
      const { seconds, nanos } = proto.applicationFailureInfo?.nextRetryDelay ?? {};
      const delayMs = Number(seconds) * 1000 + (nanos ?? 0) / 1e6;
      assert.equal(delayMs, Math.min(Math.ceil(ms), 24 * 3_600_000));
    }
  });
});
