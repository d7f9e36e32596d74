import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type NewAsset, promoteAssets } from './assets.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';
import { tellChanges } from './events.ts';
import type { StepAttempt } from './steps.ts';

/** What was made or found on the way to a step's end. */
export interface HalfDone {
  assets?: NewAsset[];
  /** Of the source, where its row does not say it yet. */
  sourceSha256?: string;
}

/** Steps that are done in more than one part, or in one of several ways. */
export class StepHandBackQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Gives a step back unfinished, for its next part or another way of doing it, and keeps what was made so far.
   *
   * @returns the keys of files that were replaced, for removal; null when the attempt is no longer the one at work:
   *   nothing was changed
   */
  handBack(
    { videoId, name, attempt }: StepAttempt,
    { assets = [], sourceSha256 }: HalfDone = {},
  ): Promise<{ replacedKeys: string[] } | null> {
    return this.#em.transactional(async (tx) => {
      const isLocked = { lockMode: LockMode.PESSIMISTIC_WRITE } as const;
      const video = await tx.findOne(Video, { id: videoId, deletedAt: null }, isLocked);
      if (!video) return null;
      const changed = await tx.nativeUpdate(
        Step,
        { video: videoId, name, attempt, state: 'running' },
        { state: 'queued', percent: 0, updatedAt: new Date() },
      );
      if (changed === 0) return null;
      if (sourceSha256) video.sourceSha256 = sourceSha256;
      const replacedKeys = await promoteAssets(tx, video, assets);
      await tellChanges(tx, videoId, [name]);
      return { replacedKeys };
    });
  }
}
