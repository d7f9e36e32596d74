import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { type AttemptFailure, decideRetry, emptyTally, type FailureKind } from '../src/domain/retries.ts';

export interface StepLoop {
  attempt(): Promise<void>;
  onRetry(failure: AttemptFailure, nextAttemptAt: Date): Promise<void>;
  onGiveUp(error: { code: string; message: string; retryable: boolean }): Promise<void>;
  /** Counts the times somebody asked not to wait any longer. */
  hurries(): number;
}

/**
 * Repeats one step until it is done or given up.
 *
 * @returns null when it is done, else the reason why it was given up
 * @throws the cancellation, when one arrives
 */
export async function repeatUntilSettled(step: StepLoop): Promise<AttemptFailure | null> {
  let tally = emptyTally();
  for (;;) {
    try {
      await step.attempt();
      return null;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = readFailure(error);
      const decision = decideRetry(tally, failure, Date.now());
      if (decision.action === 'give_up') {
        await step.onGiveUp(decision);
        return { ...failure, code: decision.code, message: decision.message };
      }
      tally = decision.tally;
      await waitToRetry(step, failure, decision.delayMs);
    }
  }
}

async function waitToRetry(step: StepLoop, failure: AttemptFailure, delayMs: number): Promise<void> {
  const before = step.hurries();
  await step.onRetry(failure, new Date(Date.now() + delayMs));
  if (delayMs > 0)
    await condition(() => step.hurries() > before, delayMs, { summary: 'Before the next attempt' });
}

/** What an attempt says with every heartbeat (see activities/attempt.ts). */
type LastWords = Pick<AttemptFailure, 'madeProgress'> | undefined;

/** Our failures carry their kind as first detail (see activities/failures.ts); a silence is a crash. */
function readFailure(error: unknown): AttemptFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    const { madeProgress = false } = (cause.lastHeartbeatDetails as LastWords) ?? {};
    return { kind: 'crash', code: 'worker_lost', message: 'The worker stopped answering', madeProgress };
  }
  if (cause instanceof ApplicationFailure) {
    const [kind = 'media', more] = (cause.details ?? []) as [
      FailureKind?,
      Pick<AttemptFailure, 'retryAfterMs' | 'madeProgress'>?,
    ];
    return { kind, code: cause.type ?? 'internal_error', message: cause.message, ...more };
  }
  return { kind: 'media', code: 'internal_error', message: 'Something unexpected went wrong' };
}
