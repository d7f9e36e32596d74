import type { RunBeginning } from '../src/db/steps.ts';
import { planPlayback } from '../src/domain/playback.ts';
import type { StepFailureInput, StepInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { factsOf } from './videoFacts.ts';

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

    /** What a browser needs before it plays the video. A step that has nothing to do ends here. */
    choosePlayback: async ({ videoId, run }: StepInput): Promise<'none' | 'copy' | 'encode'> => {
      const video = await db.steps.findWaiting({ videoId, run, name: 'playback' });
      if (!video) return 'none';
      const { work } = planPlayback(factsOf(video));
      if (work === 'none') await db.playbackSteps.skip(videoId);
      return work === 'none' || work === 'encode' ? work : 'copy';
    },

    failStep: ({ error, ...step }: StepFailureInput): Promise<void> => db.steps.failStep(step, error),

    settleCancelled: ({ videoId, run }: StepInput): Promise<void> =>
      db.steps.settleRun(videoId, run, { state: 'cancelled' }),

    countUnfinishedSteps: ({ videoId }: { videoId: string }): Promise<number> =>
      db.reconciliation.countUnfinishedSteps(videoId),

    eraseVideo: ({ videoId }: { videoId: string }): Promise<void> => db.reconciliation.erase(videoId),
  };
}
