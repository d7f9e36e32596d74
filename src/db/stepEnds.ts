import type { EntityManager } from '@mikro-orm/postgresql';
import { FINAL_STEP_STATES, type StepName } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import { errorColumns, type StoredError } from './storedError.ts';
import { forgetSpeech } from './transcriptSteps.ts';

interface StepsEnd {
  videoId: string;
  run: number;
  name?: StepName;
  state: 'cancelled' | 'failed';
  error?: StoredError;
}

/** Ends what a run has left of a step, or of all its steps. @returns how many */
export async function endSteps(
  tx: EntityManager,
  { videoId, run, name, state, error }: StepsEnd,
): Promise<number> {
  const ended = await tx.nativeUpdate(
    Step,
    { video: videoId, run, state: { $nin: [...FINAL_STEP_STATES] }, ...(name ? { name } : {}) },
    {
      state,
      nextAttemptAt: null,
      endedAt: new Date(),
      updatedAt: new Date(),
      ...(error ? errorColumns(error) : {}),
    },
  );
  if (ended > 0 && (name ?? 'transcript') === 'transcript') await forgetSpeech(tx, videoId);
  return ended;
}
