import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { FINAL_STEP_STATES } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';
import { tellChanges } from './events.ts';
import { NO_ERROR } from './storedError.ts';

const UNFINISHED = { $nin: [...FINAL_STEP_STATES] };

/** What is peculiar to the step `playback`: many videos need none of it, and there are two ways of doing it. */
export class PlaybackStepQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Ends the step of a video that browsers play as it is. */
  skip(videoId: string): Promise<void> {
    return this.#em.transactional(async (tx) => {
      // As whoever changes a video does: of two that tell of it, the later one sees what the first has done.
      await tx.findOne(Video, { id: videoId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      await tellChanges(tx, videoId, await skipPlayback(tx, videoId));
    });
  }
}

/**
 * The same within the transaction that learns it. Whichever run owns the step: it is true of the video.
 *
 * @returns what there is to tell of
 */
export async function skipPlayback(em: EntityManager, videoId: string): Promise<'playback'[]> {
  const now = new Date();
  const skipped = await em.nativeUpdate(
    Step,
    { video: videoId, name: 'playback', state: UNFINISHED },
    { state: 'skipped', percent: 100, nextAttemptAt: null, endedAt: now, updatedAt: now, ...NO_ERROR },
  );
  return skipped > 0 ? ['playback'] : [];
}
