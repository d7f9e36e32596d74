import { type EntityData, type FilterQuery, LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { MediaFacts } from '../domain/media.ts';
import { planPlayback } from '../domain/playback.ts';
import type { TranscriptWish } from '../domain/transcript.ts';
import {
  CORE_STEPS,
  DONE_STEP_STATES,
  FINAL_STEP_STATES,
  isCoreStep,
  isDoneStep,
  isFinalStep,
  type StepName,
} from '../domain/video.ts';
import { type NewAsset, promoteAssets } from './assets.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';
import { type ChangedPart, tellChanges } from './events.ts';
import { skipPlayback } from './playbackSteps.ts';
import { endSteps, endVideo, failRun } from './stepEnds.ts';
import { errorColumns, NO_ERROR, type StoredError } from './storedError.ts';
import { forgetSpeech } from './transcriptSteps.ts';
import { showStatus } from './videoStatus.ts';

/** Which step of which run; what a workflow may write about. */
export interface StepOfRun {
  videoId: string;
  name: StepName;
  run: number;
}

/** One beginning of work on a step; what an activity may write about. */
export interface StepAttempt {
  videoId: string;
  name: StepName;
  attempt: number;
}

/** Bytes that were fetched. */
export interface NewSource {
  key: string;
  sizeBytes: number;
}

/** `cancelled` when that was asked for, or the video is deleted. */
export type RunBeginning =
  /** With `fetchesSource` the source step has to bring the bytes here before anything else can be done. */
  { outcome: 'go'; steps: StepName[]; fetchesSource: boolean } | { outcome: 'cancelled' };

export type StepBeginning =
  | { outcome: 'go'; attempt: number; video: Video; options: TranscriptWish | null }
  | { outcome: 'done' | 'superseded' | 'cancelled' };

const UNFINISHED = { $nin: [...FINAL_STEP_STATES] };

/**
 * The records: the only writers of status after a video's birth. Every write is fenced, by the run
 * where a workflow writes and by the attempt where an activity does, so a late one changes nothing.
 */
export class StepQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Says what a run has to do: its own steps that are not done. */
  beginRun(videoId: string, run: number): Promise<RunBeginning> {
    return this.#em.transactional(async (tx) => {
      const video = await lockVideo(tx, videoId);
      if (!video) return { outcome: 'cancelled' };
      // Also for a run that only ends itself: were it not noted, the reconciler would start it once more.
      if (video.startedRun < run) video.startedRun = run;
      if (isUnwanted(video)) return { outcome: 'cancelled' };
      const steps = await tx.find(Step, { video: videoId, run, state: { $nin: [...DONE_STEP_STATES] } });
      // After a Reset: what this run gave up before is its work again.
      const again = steps.filter(({ state }) => isFinalStep(state));
      for (const step of again) requeue(step, run);
      await tellChanges(tx, videoId, namesOf(again));
      const fetchesSource = !video.sourceKey && Boolean(video.sourceUrl);
      return { outcome: 'go', steps: steps.map((step) => step.name), fetchesSource };
    });
  }

  /** Begins an attempt: raises its number and shows the step, and the video, at work. */
  beginStep({ videoId, name, run }: StepOfRun): Promise<StepBeginning> {
    return this.#em.transactional(async (tx) => {
      const video = await lockVideo(tx, videoId);
      if (!video) return { outcome: 'superseded' };
      const step = await tx.findOne(Step, { video: videoId, name });
      if (!step || step.run !== run) return { outcome: 'superseded' };
      if (isDoneStep(step.state)) return { outcome: 'done' };
      // Settled meanwhile: a late beginning must not bring back what no run follows any more.
      if (isFinalStep(step.state)) return { outcome: 'superseded' };
      if (isUnwanted(video)) return { outcome: 'cancelled' };
      startAttempt(step);
      const told = isCoreStep(name) ? await showStatus(tx, video, 'processing') : [];
      await tellChanges(tx, videoId, [...told, name]);
      return { outcome: 'go', attempt: step.attempt, video, options: step.options ?? null };
    });
  }

  /** Shows progress in percent, unless the attempt is no longer the one at work. */
  async showProgress({ videoId, name, attempt }: StepAttempt, percent: number): Promise<void> {
    await this.#em.nativeUpdate(
      Step,
      { video: videoId, name, attempt, state: 'running' },
      { percent, updatedAt: new Date() },
    );
  }

  /**
   * Ends an attempt well and promotes its assets in the same transaction. The keys of assets that
   * these replace are given back for removal.
   *
   * @returns null when the attempt is no longer the one at work: nothing was changed
   */
  completeStep(
    work: StepAttempt,
    results: { facts?: MediaFacts; assets?: NewAsset[]; source?: NewSource },
  ): Promise<{ replacedKeys: string[] } | null> {
    return this.#em.transactional(async (tx) => {
      const video = await lockVideo(tx, work.videoId);
      if (!video || video.deletedAt) return null;
      const ended = await tx.nativeUpdate(
        Step,
        { video: work.videoId, name: work.name, attempt: work.attempt, state: 'running' },
        {
          state: 'succeeded',
          percent: 100,
          endedAt: new Date(),
          updatedAt: new Date(),
          ...NO_ERROR,
        },
      );
      if (ended === 0) return null;
      if (results.source) applySource(video, results.source);
      const skipped = results.facts ? await applyFacts(tx, video, results.facts) : [];
      const replacedKeys = await promoteAssets(tx, video, results.assets ?? []);
      const told = isCoreStep(work.name) ? await settleReadiness(tx, video) : [];
      await tellChanges(tx, video.id, [work.name, ...skipped, ...told]);
      return { replacedKeys };
    });
  }

  /** The video of a step that this run has to do; null when there is nothing to be done any more. */
  async findWaiting({ videoId, name, run }: StepOfRun): Promise<Video | null> {
    const step = await this.#em.findOne(Step, { video: videoId, name, run, state: UNFINISHED });
    return step && this.#em.findOne(Video, { id: videoId });
  }

  /** Ends a step that has nothing to do, and says why. */
  skipStep(step: StepOfRun, reason: StoredError): Promise<void> {
    const now = new Date();
    return this.#em.transactional(async (tx) => {
      await changeUnfinished(tx, step, {
        state: 'skipped',
        percent: 100,
        nextAttemptAt: null,
        endedAt: now,
        updatedAt: now,
        ...errorColumns(reason),
      });
      if (step.name === 'transcript') await forgetSpeech(tx, step.videoId);
    });
  }

  /** Shows that a failed attempt will be repeated, and when; a repetition changes nothing. */
  waitForRetry(step: StepOfRun, error: StoredError, nextAttemptAt: Date): Promise<void> {
    const waiting = { state: 'waiting_retry', nextAttemptAt } as const;
    const columns = { ...waiting, percent: 0, updatedAt: new Date(), ...errorColumns(error) };
    return this.#em.transactional((tx) => changeUnfinished(tx, step, columns, { $not: waiting }));
  }

  /** Ends a step badly. When it is a core one, its video fails and the run's other steps are cancelled. */
  failStep(step: StepOfRun, error: StoredError): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const video = await lockVideo(tx, step.videoId);
      if (!video) return;
      const failed = await endSteps(tx, { ...step, state: 'failed', error });
      if (failed.length === 0) return;
      const told = isCoreStep(step.name) ? await failRun(tx, video, { ...step, error }) : [];
      await tellChanges(tx, video.id, [...failed, ...told]);
    });
  }

  /**
   * Ends whatever a run left unfinished: after a cancel, or when the run itself ended otherwise.
   * A video that is ready stays so; only its unfinished steps end.
   */
  settleRun(
    videoId: string,
    run: number,
    end: { state: 'cancelled' } | { state: 'failed'; error: StoredError },
  ): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const video = await lockVideo(tx, videoId);
      if (!video) return;
      // Also when it ended before it began: else it would be started for ever, and one day with success.
      if (video.startedRun < run) video.startedRun = run;
      const ended = await endSteps(tx, { videoId, run, ...end });
      const coreUndone = await tx.count(Step, {
        video: videoId,
        name: { $in: [...CORE_STEPS] },
        state: { $nin: [...DONE_STEP_STATES] },
      });
      const unfinished = await tx.count(Step, { video: videoId, state: UNFINISHED });
      if (unfinished === 0) video.cancelRequestedAt = null;
      if (ended.length === 0) return;
      const told = coreUndone === 0 ? [] : await endVideo(tx, video, end);
      await tellChanges(tx, videoId, [...ended, ...told]);
    });
  }
}

const lockVideo = (tx: EntityManager, videoId: string): Promise<Video | null> =>
  tx.findOne(Video, { id: videoId }, { lockMode: LockMode.PESSIMISTIC_WRITE });

const isUnwanted = (video: Video): boolean => video.deletedAt !== null || video.cancelRequestedAt !== null;

/** Makes a step a run's work again. */
export function requeue(step: Step, run: number): void {
  step.run = run;
  step.state = 'queued';
  step.percent = 0;
  step.nextAttemptAt = null;
  step.endedAt = null;
  step.updatedAt = new Date();
}

function startAttempt(step: Step): void {
  step.attempt += 1;
  step.state = 'running';
  step.percent = 0;
  step.startedAt = new Date();
  step.endedAt = null;
  step.nextAttemptAt = null;
  step.updatedAt = new Date();
}

const namesOf = (steps: readonly Step[]): StepName[] => steps.map(({ name }) => name);

/** Changes a step that has not ended, if the run still owns it. */
async function changeUnfinished(
  tx: EntityManager,
  { videoId, name, run }: StepOfRun,
  columns: EntityData<Step>,
  where: FilterQuery<Step> = {},
): Promise<void> {
  // Else somebody who changes the video meanwhile tells of it later, with this step as it was before.
  await lockVideo(tx, videoId);
  const unfinished: FilterQuery<Step> = { video: videoId, name, run, state: UNFINISHED };
  const changed = await tx.nativeUpdate(Step, { $and: [unfinished, where] }, columns);
  if (changed > 0) await tellChanges(tx, videoId, [name]);
}

/** Most videos need nothing for being played, and nobody waits for finding that out. */
async function applyFacts(tx: EntityManager, video: Video, facts: MediaFacts): Promise<StepName[]> {
  const { sizeBytes: _, ...columns } = facts;
  Object.assign(video, columns);
  return planPlayback(facts).work === 'none' ? skipPlayback(tx, video.id) : [];
}

/** From here on the address is no longer needed, and what it holds had better be forgotten. */
function applySource(video: Video, { key, sizeBytes }: NewSource): void {
  Object.assign(video, { sourceKey: key, sizeBytes, sourceUrl: null });
}

/** A video is ready as soon as every core step is done. @returns what there is to tell of */
async function settleReadiness(tx: EntityManager, video: Video): Promise<ChangedPart[]> {
  const undone = await tx.count(Step, {
    video: video.id,
    name: { $in: [...CORE_STEPS] },
    state: { $nin: [...DONE_STEP_STATES] },
  });
  if (undone > 0) return [];
  video.readyAt = new Date();
  return showStatus(tx, video, 'ready');
}
