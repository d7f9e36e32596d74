import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { FINAL_STEP_STATES, isCoreStep, isDoneStep, isFinalStep } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';
import { tellChanges } from './events.ts';
import { forgetAnswers } from './speechAnswers.ts';
import { requeue } from './steps.ts';
import { showStatus } from './videoStatus.ts';

export interface RunRow {
  videoId: string;
  userId: string;
  run: number;
}

const UNFINISHED = { $nin: [...FINAL_STEP_STATES] };
const PAGE = 200;

/** What the reconciler and the removal of videos ask of the rows of all users. */
export class ReconciliationQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Runs that were accepted and that the engine is not known to have begun, in pages by id. */
  async listUnstarted(afterId: string | null): Promise<RunRow[]> {
    return this.#em.execute<RunRow[]>(
      `select v.id as "videoId", v.user_id as "userId", v.run from videos v
       where v.started_run < v.run and v.deleted_at is null and (v.source_key is not null or v.source_url is not null)
         and (?::uuid is null or v.id > ?::uuid)
         and exists (select from steps s where s.video_id = v.id and s.run = v.run and s.state in ${OPEN_STATES})
       order by v.id limit ${PAGE}`,
      [afterId, afterId],
    );
  }

  /** Begun runs that still have to cancel something; what is over the limit comes with the next pass. */
  async listToCancel(): Promise<RunRow[]> {
    return this.#em.execute<RunRow[]>(
      `select distinct v.id as "videoId", v.user_id as "userId", s.run from videos v join steps s on s.video_id = v.id
       where v.cancel_requested_at is not null and v.deleted_at is null and v.started_run >= s.run
         and s.state in ${OPEN_STATES}
       limit 1000`,
    );
  }

  /** Deleted videos whose rows are still there. */
  async listToRemove(): Promise<{ videoId: string; userId: string }[]> {
    return this.#em.execute<{ videoId: string; userId: string }[]>(
      `select id as "videoId", user_id as "userId" from videos where deleted_at is not null order by id limit 1000`,
    );
  }

  /** Begun runs that own unfinished steps, in pages by video. */
  async listUnfinished(afterId: string | null): Promise<RunRow[]> {
    return this.#em.execute<RunRow[]>(
      `with page as (
         select distinct s.video_id from steps s join videos v on v.id = s.video_id
         where s.state in ${OPEN_STATES} and v.deleted_at is null and v.started_run >= s.run
           and (?::uuid is null or s.video_id > ?::uuid)
         order by s.video_id limit ${PAGE})
       select distinct v.id as "videoId", v.user_id as "userId", s.run
       from page join videos v on v.id = page.video_id join steps s on s.video_id = v.id
       where s.state in ${OPEN_STATES} and v.started_run >= s.run
       order by 1`,
      [afterId, afterId],
    );
  }

  /** Whether a run still owns a step that has not ended. */
  async hasOpenSteps(videoId: string, run: number): Promise<boolean> {
    return (await this.#em.count(Step, { video: videoId, run, state: UNFINISHED })) > 0;
  }

  /** The runs that own unfinished steps of one video. */
  async unfinishedRuns(videoId: string): Promise<number[]> {
    const steps = await this.#em.find(Step, { video: videoId, state: UNFINISHED });
    return [...new Set(steps.map((step) => step.run))];
  }

  countUnfinishedSteps(videoId: string): Promise<number> {
    return this.#em.count(Step, { video: videoId, state: UNFINISHED });
  }

  /**
   * Gives the unfinished steps of a lost run to the next run.
   *
   * @returns the next run's number; null when there is nothing to give
   */
  passOnRun(videoId: string, run: number): Promise<number | null> {
    return this.#em.transactional(async (tx) => {
      const video = await tx.findOne(
        Video,
        { id: videoId, deletedAt: null },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      const steps = await tx.find(Step, { video: videoId });
      const lost = steps.filter((step) => step.run === run && !isFinalStep(step.state));
      if (!video || lost.length === 0) return null;
      video.run += 1;
      // Those that nobody had begun wait as before.
      const changed = lost.filter(({ state }) => state !== 'queued').map(({ name }) => name);
      for (const step of lost) requeue(step, video.run);
      const isUndone = steps.some((step) => isCoreStep(step.name) && !isDoneStep(step.state));
      const told = isUndone ? await showStatus(tx, video, 'pending') : [];
      await tellChanges(tx, videoId, [...told, ...changed]);
      return video.run;
    });
  }

  /**
   * Removes a deleted video's row with all that hangs on it, and what was answered about its sound, unless another
   * video of its user has the same bytes.
   */
  erase(videoId: string): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const video = await tx.findOne(Video, { id: videoId, deletedAt: { $ne: null } });
      if (!video) return;
      await forgetAnswers(tx, video);
      await tx.nativeDelete(Video, { id: videoId });
    });
  }

  /** The source key of a deleted video, for removal; null when the row is gone. */
  async sourceKeyOfDeleted(videoId: string): Promise<string | null> {
    const video = await this.#em.findOne(Video, { id: videoId, deletedAt: { $ne: null } });
    return video?.sourceKey ?? null;
  }
}

/** Written out as the partial index on open steps has it, so that the planner can use that. */
const OPEN_STATES = `('queued', 'running', 'waiting_retry')`;
