import { ApplicationFailure } from '@temporalio/common';
import type { ParentsSight } from '../src/db/editParents.ts';
import type { EditBeginning } from '../src/db/editRecords.ts';
import type { EditFailureInput, EditInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';

/** What the workflow of an edit asks for. */
export function createEditActivities({ config, db, flows }: ActivityDeps) {
  const limits = () => ({ maxDurationSec: config.MAX_DURATION_SEC });

  return {
    beginEdit: ({ editId, run }: EditInput): Promise<EditBeginning> =>
      db.editRecords.beginRun({ editId, run }),

    /** Gives what has become of the parents; the engine repeats it while one of them is still processed. */
    async awaitParents({ editId, run }: EditInput): Promise<SettledParents> {
      const sight = await db.editRecords.lookAtParents({ editId, run }, limits());
      // In the engine's own words at once: waiting is no trouble, and the log need not hear of it.
      if (sight.outcome === 'waiting') throw stillProcessed(sight.videoId);
      return sight;
    },

    showEditTrouble: ({
      error,
      nextAttemptAt,
      ...edit
    }: EditFailureInput & { nextAttemptAt: string }): Promise<void> =>
      db.editRecords.waitForRetry(edit, error, new Date(nextAttemptAt)),

    failEdit: ({ error, ...edit }: EditFailureInput): Promise<void> => db.editRecords.fail(edit, error),

    settleCancelledEdit: ({ editId, run }: EditInput): Promise<void> =>
      db.editRecords.settle({ editId, run }, { status: 'cancelled' }),

    /** Starts the processing of a result; the reconciler repeats what does not get through. @returns its video */
    async startResult({ editId, requestId }: EditInput): Promise<{ videoId: string | null }> {
      const run = await db.editRecords.findUnstartedResult(editId);
      if (run) await flows.startProcessing({ ...run, requestId });
      return { videoId: run?.videoId ?? null };
    },
  };
}

type SettledParents = Exclude<ParentsSight, { outcome: 'waiting' }> | { outcome: 'cancelled' | 'over' };

const stillProcessed = (videoId: string): ApplicationFailure =>
  ApplicationFailure.create({
    message: `The video ${videoId} is still being processed`,
    type: 'still_processed',
  });
