import type { EntityManager } from '@mikro-orm/postgresql';
import { FINAL_STEP_STATES, STEP_NAMES, type StepName } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import type { Video } from './entities/video.ts';
import type { ChangedPart } from './events.ts';
import { errorColumns, type StoredError } from './storedError.ts';
import { forgetSpeech } from './transcriptSteps.ts';
import { showStatus } from './videoStatus.ts';

interface StepsEnd {
  videoId: string;
  run: number;
  name?: StepName;
  state: 'cancelled' | 'failed';
  error?: StoredError;
}

/** Ends what a run has left of a step, or of all its steps. @returns which, in the order of work */
export async function endSteps(
  tx: EntityManager,
  { videoId, run, name, state, error }: StepsEnd,
): Promise<StepName[]> {
  const now = new Date();
  const rows: { name: StepName }[] = await tx
    .createQueryBuilder(Step)
    .update({
      ...{ state, nextAttemptAt: null, endedAt: now, updatedAt: now },
      ...(error ? errorColumns(error) : {}),
    })
    .where({ video: videoId, run, state: { $nin: [...FINAL_STEP_STATES] }, ...(name ? { name } : {}) })
    .returning('name')
    .execute('all');
  const ended = new Set(rows.map((row) => row.name));
  if (ended.size > 0 && (name ?? 'transcript') === 'transcript') await forgetSpeech(tx, videoId);
  return STEP_NAMES.filter((known) => ended.has(known));
}

/** Ends a run with one of its core steps: its other steps are cancelled, its video fails. @returns what to tell of */
export async function failRun(
  tx: EntityManager,
  video: Video,
  { run, error }: { run: number; error: StoredError },
): Promise<ChangedPart[]> {
  const cancelled = await endSteps(tx, { videoId: video.id, run, state: 'cancelled' });
  return [...cancelled, ...(await endVideo(tx, video, { state: 'failed', error }))];
}

/** Ends a video whose core steps are not all done. One that is ready does not fail. @returns what to tell of */
export async function endVideo(
  tx: EntityManager,
  video: Video,
  end: { state: 'cancelled' } | { state: 'failed'; error: StoredError },
): Promise<ChangedPart[]> {
  if (end.state === 'cancelled') return showStatus(tx, video, 'cancelled');
  return video.status === 'ready' ? [] : showStatus(tx, video, 'failed', end.error);
}
