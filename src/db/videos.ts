import { type FilterQuery, LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { isCoreStep, isDoneStep, isFinalStep, type StepName, type VideoStatus } from '../domain/video.ts';
import { leaveResult } from './editResults.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';
import { tellChanges, tellVideo } from './events.ts';
import { newId } from './ids.ts';
import { type NewEntry, type NewFetchedVideo, type NewVideo, searchedBy } from './newVideo.ts';
import { endPosts } from './postEnds.ts';
import { indexVideo } from './searchIndex.ts';
import { requeue } from './steps.ts';
import { acceptVideo, createEntry, takeOrCreateEntry } from './videoBirths.ts';
import { showStatus } from './videoStatus.ts';

export interface VideoFilter {
  status?: VideoStatus;
  tag?: string;
  userLabel?: string;
  externalId?: string;
  createdAfter?: Date;
  createdBefore?: Date;
}

export interface Page {
  limit: number;
  /** Give rows older than this id. */
  beforeId?: string;
}

export const WITH_PARTS = ['steps', 'assets'] as const;
/** A video may have a hundred pictures that were made because somebody asked: those are found one by one. */
export const MADE_ANYWAY = { assets: { kind: { $ne: 'picture' } } } as const;

/** What a retry, a cancel or a delete was answered in the database, before the engine is told. */
export type Intent =
  | { outcome: 'accepted'; video: Video; runs: number[] }
  | { outcome: 'not_found' | 'not_possible' };

/** The questions and intents of videos; `userId` is always the owner's, so another's row is never found. */
export class VideoQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Makes an accepted video in `pending` with its queued steps: of the library entry that waits for its bytes under
   * the same `external_id`, which keeps its own id, or else of a new row. Call it in a transaction.
   *
   * @throws ExternalIdTakenError
   */
  insert(video: NewVideo): Promise<Video> {
    const { contentType, sourceKey, sourceSha256, sizeBytes, parents, optionalSteps, ...entry } = video;
    const source = { contentType, sourceKey, sourceSha256, sizeBytes, ...(parents ? { parents } : {}) };
    return acceptVideo(this.#em, { entry, source: () => source, optionalSteps });
  }

  /** The same for bytes that are still to be fetched. Call it in a transaction. @throws ExternalIdTakenError */
  insertFetched({ sealSourceUrl, optionalSteps, ...entry }: NewFetchedVideo): Promise<Video> {
    const source = (id: string) => ({ sourceUrl: sealSourceUrl(id) });
    return acceptVideo(this.#em, { entry: { ...entry, id: entry.id ?? newId() }, source, optionalSteps });
  }

  /** Makes a library entry, which waits for its bytes in `awaiting_upload`. @throws ExternalIdTakenError */
  insertEntry(entry: NewEntry): Promise<Video> {
    return this.#em.transactional((tx) => createEntry(tx, entry));
  }

  /**
   * Gives the library entry that waits for its bytes under the same `external_id`, unless an upload is bringing
   * them already, or inserts a new one in `awaiting_upload`. Call it in a transaction.
   *
   * @throws ExternalIdTakenError
   */
  takeOrCreateEntry(entry: NewEntry): Promise<Video> {
    return takeOrCreateEntry(this.#em, entry);
  }

  /** The user's video with its parts, or null when it is another's, deleted or was never there. */
  find(userId: string, id: string): Promise<Video | null> {
    return this.#em.findOne(Video, own(userId, id), {
      populate: WITH_PARTS,
      populateWhere: MADE_ANYWAY,
      strategy: 'joined',
    });
  }

  /** The same without its files, for those who only ask how far it is. */
  findProgress(userId: string, id: string): Promise<Video | null> {
    return this.#em.findOne(Video, own(userId, id), { populate: ['steps'], strategy: 'joined' });
  }

  /** The user a video belongs to; null when it is deleted or was never there. */
  async findOwner(id: string): Promise<string | null> {
    const video = await this.#em.findOne(Video, { id, deletedAt: null }, { fields: ['user'] });
    return video?.user.id ?? null;
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(userId: string, filter: VideoFilter, page: Page): Promise<Video[]> {
    const conditions: FilterQuery<Video>[] = [{ user: userId, deletedAt: null }];
    conditions.push({ status: filter.status ?? { $ne: 'awaiting_upload' } });
    if (page.beforeId) conditions.push({ id: { $lt: page.beforeId } });
    if (filter.tag !== undefined) conditions.push({ tags: { $contains: [filter.tag] } });
    if (filter.userLabel !== undefined) conditions.push({ userLabel: filter.userLabel });
    if (filter.externalId !== undefined) conditions.push({ externalId: filter.externalId });
    if (filter.createdAfter) conditions.push({ createdAt: { $gt: filter.createdAfter } });
    if (filter.createdBefore) conditions.push({ createdAt: { $lt: filter.createdBefore } });
    return this.#em.find(
      Video,
      { $and: conditions },
      {
        orderBy: { id: 'desc' },
        limit: page.limit + 1,
        populate: WITH_PARTS,
        populateWhere: MADE_ANYWAY,
      },
    );
  }

  /** Changes what its owner may change; null when there is no such video. */
  change(
    userId: string,
    id: string,
    changes: Partial<Pick<Video, 'title' | 'description' | 'tags'>>,
  ): Promise<Video | null> {
    return this.#em.transactional(async (tx) => {
      // Held also when nothing changes: what searches find must not be written from what was there before.
      const video = await tx.findOne(Video, own(userId, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!video) return null;
      const before = searchedBy(video);
      tx.assign(video, changes);
      await tx.flush();
      if (searchedBy(video) !== before) {
        await indexVideo(tx, id);
        await tellVideo(tx, id, 'video.updated');
      }
      await tx.populate(video, WITH_PARTS, { where: MADE_ANYWAY });
      return video;
    });
  }

  /** Writes the wish to cancel; `runs` are the workflow runs to tell. */
  requestCancel(userId: string, id: string): Promise<Intent> {
    return this.#em.transactional(async (tx) => {
      const video = await tx.findOne(Video, own(userId, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!video) return { outcome: 'not_found' };
      const steps = await tx.find(Step, { video: id });
      const open = steps.filter((step) => !isFinalStep(step.state));
      if (open.length === 0) return { outcome: 'not_possible' };
      video.cancelRequestedAt = new Date();
      return { outcome: 'accepted', video, runs: [...new Set(open.map((step) => step.run))] };
    });
  }

  /**
   * Asks for everything that failed or was cancelled to be done again, keeping what is done, as the
   * next run. With `stepName` only that step. Not possible while the steps in question still work.
   */
  requestRetry(userId: string, id: string, stepName?: StepName): Promise<Intent> {
    return this.#em.transactional(async (tx) => {
      const video = await tx.findOne(Video, own(userId, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!video) return { outcome: 'not_found' };
      const steps = await tx.find(Step, { video: id });
      const wanted = steps.filter((step) => stepName === undefined || step.name === stepName);
      if (stepName !== undefined && wanted.length === 0) return { outcome: 'not_found' };
      // A picture cannot be made of a source that was never probed: what it stands on comes along.
      const asked = steps.filter((step) => wanted.includes(step) || isCoreStep(step.name));
      const again = asked.filter((step) => isFinalStep(step.state) && !isDoneStep(step.state));
      const isStopping = video.cancelRequestedAt !== null && steps.some((step) => !isFinalStep(step.state));
      if (again.length === 0 || isStopping || !(video.sourceKey ?? video.sourceUrl))
        return { outcome: 'not_possible' };
      const coreUndone = steps.some((step) => isCoreStep(step.name) && !isDoneStep(step.state));
      acceptAgain(video, again);
      const told = coreUndone ? await showStatus(tx, video, 'pending') : [];
      await tellChanges(tx, id, [...told, ...again.map(({ name }) => name)]);
      return { outcome: 'accepted', video, runs: [video.run] };
    });
  }

  /**
   * Hides the video at once and writes the wish to remove it; false when there is no such video.
   *
   * @param isForced cancels the posts that need it
   * @throws PostsUnfinishedError; TooLateError when one that should be cancelled cannot be
   */
  requestDelete(userId: string, id: string, isForced = false): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      // Held first, as by whoever accepts a post of it: afterwards all posts are there to be seen.
      const video = await tx.findOne(Video, own(userId, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!video) return false;
      await endPosts(tx, { videoId: id }, isForced);
      await tx.nativeUpdate(Video, { id }, { deletedAt: new Date(), cancelRequestedAt: new Date() });
      await tellVideo(tx, id, 'video.deleted');
      await leaveResult(tx, id);
      return true;
    });
  }
}

const own = (userId: string, id: string): FilterQuery<Video> => ({ id, user: userId, deletedAt: null });

/** Makes the steps the next run's work. */
function acceptAgain(video: Video, again: Step[]): void {
  video.run += 1;
  video.cancelRequestedAt = null;
  for (const step of again) requeue(step, video.run);
}
