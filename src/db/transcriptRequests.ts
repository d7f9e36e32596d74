import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { TranscriptOptions } from '../domain/transcript.ts';
import { isCoreStep, isDoneStep, isFinalStep } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';
import { tellChanges } from './events.ts';
import { requeue } from './steps.ts';
import { NO_ERROR } from './storedError.ts';
import { hasSound } from './transcriptOrigins.ts';

/** What asking for a transcript came to; `not_ready` says that the video is still being processed. */
export type TranscriptRequest =
  | { outcome: 'accepted'; video: Video; runs: number[] }
  | { outcome: 'not_found' | 'in_progress' | 'not_ready' | 'not_usable' | 'no_audio' };

/** The wish to have a transcript made, or made again. */
export class TranscriptRequestQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Makes the step `transcript` the work of the next run, also of a video that was to have none. */
  request(userId: string, videoId: string, options: TranscriptOptions): Promise<TranscriptRequest> {
    return this.#em.transactional(async (tx) => {
      const own = { id: videoId, user: userId, deletedAt: null };
      const video = await tx.findOne(Video, own, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!video) return { outcome: 'not_found' };
      const steps = await tx.find(Step, { video: videoId });
      const refusal = judge(video, steps);
      if (refusal) return { outcome: refusal };
      video.run += 1;
      // Its work has ended, or there is none to be stopped any more.
      video.cancelRequestedAt = null;
      const step = steps.find(({ name }) => name === 'transcript') ?? create(tx, video);
      requeue(step, video.run);
      Object.assign(step, NO_ERROR, { options });
      await tellChanges(tx, videoId, [step.name]);
      return { outcome: 'accepted', video, runs: [video.run] };
    });
  }
}

function judge(
  video: Video,
  steps: readonly Step[],
): 'in_progress' | 'not_ready' | 'not_usable' | 'no_audio' | null {
  const transcript = steps.find(({ name }) => name === 'transcript');
  if (transcript && !isFinalStep(transcript.state)) return 'in_progress';
  const core = steps.filter(({ name }) => isCoreStep(name));
  if (!video.sourceKey && !video.sourceUrl) return 'not_usable';
  if (core.some(({ state }) => !isFinalStep(state))) return 'not_ready';
  if (core.some(({ state }) => !isDoneStep(state))) return 'not_usable';
  // A run that is being cancelled would take this wish for its own.
  if (video.cancelRequestedAt && steps.some(({ state }) => !isFinalStep(state))) return 'not_ready';
  return hasSound(video) === false ? 'no_audio' : null;
}

const create = (tx: EntityManager, video: Video): Step =>
  tx.create(Step, { video, name: 'transcript', state: 'queued' } as RequiredEntityData<Step>);
