import type { RunBeginning } from '../src/db/steps.ts';
import type { StepFailureInput, StepInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';

/** The writers of status that workflows call. */
export function createRecordActivities({ db }: ActivityDeps) {
  return {
    beginRun: ({ videoId, run }: StepInput): Promise<RunBeginning> => db.steps.beginRun(videoId, run),

    waitForRetry: ({
      error,
      nextAttemptAt,
      ...step
    }: StepFailureInput & { nextAttemptAt: string }): Promise<void> =>
      db.steps.waitForRetry(step, error, new Date(nextAttemptAt)),

    failStep: ({ error, ...step }: StepFailureInput): Promise<void> => db.steps.failStep(step, error),

    settleCancelled: ({ videoId, run }: StepInput): Promise<void> =>
      db.steps.settleRun(videoId, run, { state: 'cancelled' }),

    countUnfinishedSteps: ({ videoId }: { videoId: string }): Promise<number> =>
      db.reconciliation.countUnfinishedSteps(videoId),

    eraseVideo: ({ videoId }: { videoId: string }): Promise<void> => db.reconciliation.erase(videoId),
  };
}
