/** When a failed step is tried again, and when it is given up. Pure: the workflow brings the clock. */

/**
 * How an attempt ended:
 * - `permanent`: the same input fails again
 * - `media`: the tool failed on this input
 * - `outside`: trouble that waiting ends: storage, database, disk, too many requests for somebody
 * - `remote`: somebody else's server is away or in trouble
 * - `blocked`: somebody else's server refuses us until a person has done something about it
 * - `crash`: the worker died under it, or fell silent
 * - `interrupted`: the worker was asked to stop and gave it back
 */
export type FailureKind = 'permanent' | 'media' | 'outside' | 'remote' | 'blocked' | 'crash' | 'interrupted';

export interface AttemptFailure {
  kind: FailureKind;
  code: string;
  message: string;
  /** The time that the other side asked for before the next try. */
  retryAfterMs?: number;
  /** Whether the attempt got something done for good before it failed, which the next one need not do again. */
  madeProgress?: boolean;
}

/** What has gone wrong so far with one step in one run. */
export interface FailureTally {
  media: number;
  crashes: number;
  remote: number;
  /** How often in a row the outside was in trouble, and since when. */
  outside: number;
  outsideSinceMs: number | null;
}

export const emptyTally = (): FailureTally => ({
  media: 0,
  crashes: 0,
  remote: 0,
  outside: 0,
  outsideSinceMs: null,
});

export const MEDIA_ATTEMPTS = 5;
export const CRASH_ATTEMPTS = 3;
/**
 * About an hour with the pauses in between: enough for a restart or a deployment over there. Not the day of our
 * own outside: nobody repairs that server for us, and its owner should hear of it while it matters.
 */
export const REMOTE_ATTEMPTS = 20;
export const OUTSIDE_PATIENCE_MS = 24 * 3600 * 1000;
const FIRST_DELAY_MS = 1000;
/** Long enough that a day of waiting stays far below the engine's limit on the length of a history. */
const LONGEST_DELAY_MS = 5 * 60_000;

export type RetryDecision =
  | { action: 'retry'; delayMs: number; tally: FailureTally }
  | { action: 'give_up'; code: string; message: string; retryable: boolean };

const backoff = (failures: number): number =>
  Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS);

/** Decides what follows a failed attempt. */
export function decideRetry(tally: FailureTally, failure: AttemptFailure, nowMs: number): RetryDecision {
  switch (failure.kind) {
    case 'permanent':
      return { action: 'give_up', code: failure.code, message: failure.message, retryable: false };
    case 'blocked':
      return { action: 'give_up', code: failure.code, message: failure.message, retryable: true };
    case 'interrupted':
      return { action: 'retry', delayMs: 0, tally };
    case 'media':
      return afterMediaFailure(outsideIsWell(tally), failure);
    case 'remote':
      return afterRemoteTrouble(outsideIsWell(tally), failure);
    case 'crash':
      return afterCrash(outsideIsWell(tally), failure);
    case 'outside':
      return afterOutsideTrouble(tally, failure, nowMs);
  }
}

/** An attempt that came as far as to fail for another reason found the outside well. */
const outsideIsWell = (tally: FailureTally): FailureTally => ({ ...tally, outside: 0, outsideSinceMs: null });

function afterMediaFailure(tally: FailureTally, failure: AttemptFailure): RetryDecision {
  const media = tally.media + 1;
  if (media >= MEDIA_ATTEMPTS) {
    return { action: 'give_up', code: failure.code, message: failure.message, retryable: true };
  }
  return { action: 'retry', delayMs: backoff(media), tally: { ...tally, media } };
}

function afterRemoteTrouble(tally: FailureTally, failure: AttemptFailure): RetryDecision {
  // Work that moves on is not hopeless, however often the other side interrupts it.
  const remote = (failure.madeProgress ? 0 : tally.remote) + 1;
  if (remote >= REMOTE_ATTEMPTS) {
    return { action: 'give_up', code: failure.code, message: failure.message, retryable: true };
  }
  const delayMs = Math.max(backoff(remote), failure.retryAfterMs ?? 0);
  return { action: 'retry', delayMs, tally: { ...tally, remote } };
}

function afterCrash(tally: FailureTally, failure: AttemptFailure): RetryDecision {
  // Whatever kills the workers, it does not keep this from being done.
  const crashes = (failure.madeProgress ? 0 : tally.crashes) + 1;
  if (crashes >= CRASH_ATTEMPTS) {
    return {
      action: 'give_up',
      code: 'processing_crashed',
      message: `The worker died ${crashes} times while it worked on this file`,
      retryable: true,
    };
  }
  return { action: 'retry', delayMs: backoff(crashes), tally: { ...tally, crashes } };
}

function afterOutsideTrouble(tally: FailureTally, failure: AttemptFailure, nowMs: number): RetryDecision {
  const before = failure.madeProgress ? outsideIsWell(tally) : tally;
  const since = before.outsideSinceMs ?? nowMs;
  if (nowMs - since >= OUTSIDE_PATIENCE_MS) {
    return { action: 'give_up', code: failure.code, message: failure.message, retryable: true };
  }
  const outside = before.outside + 1;
  const delayMs = Math.max(backoff(outside), failure.retryAfterMs ?? 0);
  return { action: 'retry', delayMs, tally: { ...tally, outside, outsideSinceMs: since } };
}
