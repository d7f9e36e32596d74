import { CancelledFailure } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { isDatabaseOutage } from '../src/db/outage.ts';
import type { FailureKind } from '../src/domain/retries.ts';
import { boundWait } from '../src/domain/retryAfter.ts';
import {
  DatabaseUnavailableError,
  DiskFullError,
  EngineUnavailableError,
  RemoteTroubleError,
  VideoflowError,
} from '../src/errors.ts';
import type { Log } from '../src/log.ts';

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/**
 * Turns any error of an activity into the failure that the engine keeps: type = our stable code,
 * message = our own words, first detail = what a retry can do. The one place that decides that. The log
 * gets the error whole, with its cause and stack; the history nothing that we did not write ourselves, so
 * that no path, secret or raw output of another program reaches it.
 */
export function toFailure(error: unknown, log: Log): ApplicationFailure {
  const known = recognise(error);
  if (known) {
    log.warn({ err: error, code: known.code }, 'an activity failed');
    return failure(known.code, known.message, known.retryClass, remoteFacts(known));
  }
  log.error({ err: error }, 'an activity failed for an unexpected reason');
  return failure('internal_error', 'Something unexpected went wrong; the log has the details', 'media');
}

/** The worker is stopping and gives the work back. */
export const interrupted = (): ApplicationFailure =>
  failure('worker_shutdown', 'The worker was asked to stop and gave this step back', 'interrupted');

/** The attempt is no longer the one at work: its results were dropped. */
export const overtaken = (): ApplicationFailure =>
  failure('overtaken', 'Another attempt took over while this one worked', 'interrupted');

const failure = (
  code: string,
  message: string,
  kind: FailureKind,
  more: RemoteFacts[] = [],
): ApplicationFailure =>
  ApplicationFailure.create({
    message,
    type: code,
    nonRetryable: kind === 'permanent' || kind === 'blocked',
    details: [kind, ...more],
    // Where it is the engine that repeats, it waits as long.
    ...(more[0]?.retryAfterMs !== undefined && { nextRetryDelay: more[0].retryAfterMs }),
  });

interface RemoteFacts {
  retryAfterMs?: number;
  madeProgress?: true;
}

/** The second detail, where there is one: what remote trouble adds to the decision on the next attempt. */
function remoteFacts(error: VideoflowError): RemoteFacts[] {
  if (!(error instanceof RemoteTroubleError)) return [];
  // The engine cannot even be told of an endless delay, and takes none at all for the end of the repetitions.
  const retryAfterMs = error.retryAfterMs === null ? null : boundWait(error.retryAfterMs);
  const { madeProgress } = error;
  if (retryAfterMs === null && !madeProgress) return [];
  return [{ ...(retryAfterMs !== null && { retryAfterMs }), ...(madeProgress && { madeProgress }) }];
}

/** Gives our own error for one that we know, or null for one that nobody foresaw. */
export function recognise(error: unknown): VideoflowError | null {
  if (error instanceof VideoflowError) return error;
  if (!(error instanceof Error)) return null;
  // What the client throws when a gRPC call fails, with the server's address in its message.
  if (error.name === 'ServiceError') return new EngineUnavailableError('The workflow engine did not answer');
  const code = 'code' in error ? String(error.code) : '';
  if (DISK_FULL.has(code)) return new DiskFullError();
  if (isDatabaseOutage(error)) return new DatabaseUnavailableError('The database did not answer');
  return null;
}

/** Whether an error is the cancellation itself, in the forms that reach an activity. */
export const isCancelled = (error: unknown): boolean =>
  error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError');
