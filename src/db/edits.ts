import type { FilterQuery, RequiredEntityData } from '@mikro-orm/core';
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  type EditKind,
  type EditStatus,
  isFinalEdit,
  type MergeFit,
  type ParentState,
  type TrimMode,
} from '../domain/edit.ts';
import { Edit } from './entities/edit.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { tellEdit } from './events.ts';
import { NO_ERROR } from './storedError.ts';
import { UploadQueries } from './uploads.ts';
import { type Page, VideoQueries } from './videos.ts';

export interface NewEdit {
  userId: string;
  kind: EditKind;
  parents: string[];
  title: string;
  startSec: number | null;
  endSec: number | null;
  mode: TrimMode | null;
  fit: MergeFit | null;
}

/** What an edit is asked for with. */
export interface Parent extends ParentState {
  id: string;
  title: string;
  /** Null before its probe. */
  durationSec: number | null;
}

/** What a cancel or a retry was answered in the database, before the engine is told. */
export type EditIntent<Result> =
  | {
      outcome: 'accepted';
      edit: Edit;
      /** The edit's own runs to tell. */
      runs: number[];
      /** What to tell of its result, where there is one. */
      result: Result | null;
    }
  | { outcome: 'not_found' | 'not_possible' };

/** A result to be removed. */
export interface RemovedResult {
  videoId: string;
}

/** A result whose processing goes on, with the runs to tell. */
export interface RetriedResult {
  videoId: string;
  runs: number[];
}

const WITH_RESULT = ['video', 'video.steps'] as const;

/** The questions and intents of edits; `userId` is always the owner's, so another's row is never found. */
export class EditQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Gives the user's videos in the order asked for, null in place of those that are another's, deleted or were never
   * there. Nothing is locked: whatever becomes of them a moment later, the edit finds out before it begins.
   */
  async findParents(userId: string, ids: readonly string[]): Promise<(Parent | null)[]> {
    const rows = await this.#em.execute<Parent[]>(
      `select v.id, v.title, v.status, v.duration_sec as "durationSec",
              v.cancel_requested_at is not null as "isUnwanted",
              exists (select from uploads u where u.video_id = v.id and u.state = 'complete') as "hasAllBytes"
       from videos v where v.user_id = ? and v.deleted_at is null and v.id in (?)`,
      [userId, [...new Set(ids)]],
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** Makes a queued edit. Call it in a transaction. */
  async insert({ userId, ...columns }: NewEdit): Promise<Edit> {
    const edit = this.#em.create(Edit, {
      ...columns,
      user: this.#em.getReference(User, userId),
    } as RequiredEntityData<Edit>);
    await tellEdit(this.#em, edit.id);
    return edit;
  }

  /** The user's edit with its result, or null when it is another's or was never there. */
  find(userId: string, id: string): Promise<Edit | null> {
    return this.#em.findOne(Edit, { id, user: userId }, { populate: WITH_RESULT, refresh: true });
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(userId: string, status: EditStatus | undefined, { limit, beforeId }: Page): Promise<Edit[]> {
    const conditions: FilterQuery<Edit>[] = [{ user: userId }];
    if (status) conditions.push({ status });
    if (beforeId) conditions.push({ id: { $lt: beforeId } });
    return this.#em.find(
      Edit,
      { $and: conditions },
      { orderBy: { id: 'desc' }, limit: limit + 1, populate: WITH_RESULT },
    );
  }

  /**
   * Writes the wish to cancel. A result that is there already is deleted, which ends the edit: what is cancelled
   * leaves nothing that is kept and counts as stored.
   */
  requestCancel(userId: string, id: string): Promise<EditIntent<RemovedResult>> {
    return this.#em.transactional(async (tx) => {
      const edit = await hold(tx, userId, id);
      if (!edit) return { outcome: 'not_found' };
      if (isFinalEdit(edit.status)) return { outcome: 'not_possible' };
      if (edit.video) {
        const { id: videoId } = edit.video;
        if (!(await new VideoQueries(tx).requestDelete(userId, videoId))) return { outcome: 'not_possible' };
        await tx.refresh(edit);
        return { outcome: 'accepted', edit, runs: [], result: { videoId } };
      }
      edit.cancelRequestedAt = new Date();
      return { outcome: 'accepted', edit, runs: [edit.run], result: null };
    });
  }

  /**
   * Asks for an edit that failed or was cancelled to be done again: what is left of its result's processing, or the
   * whole of it as the next run when there is no result.
   */
  requestRetry(userId: string, id: string): Promise<EditIntent<RetriedResult>> {
    return this.#em.transactional(async (tx) => {
      const edit = await hold(tx, userId, id);
      if (!edit) return { outcome: 'not_found' };
      if (edit.status !== 'failed' && edit.status !== 'cancelled') return { outcome: 'not_possible' };
      if (edit.video) {
        const intent = await new VideoQueries(tx).requestRetry(userId, edit.video.id);
        if (intent.outcome !== 'accepted') return intent;
        return { outcome: 'accepted', edit, runs: [], result: { videoId: edit.video.id, runs: intent.runs } };
      }
      edit.run += 1;
      requeueEdit(edit);
      await tellEdit(tx, id);
      return { outcome: 'accepted', edit, runs: [edit.run], result: null };
    });
  }
}

/** Makes an edit without a result a run's work again. */
export function requeueEdit(edit: Edit): void {
  Object.assign(edit, NO_ERROR, {
    status: 'queued',
    percent: 0,
    method: null,
    usedStartSec: null,
    usedEndSec: null,
    startsSec: null,
    renderedAt: null,
    nextAttemptAt: null,
    cancelRequestedAt: null,
    startedAt: null,
    endedAt: null,
    updatedAt: new Date(),
  });
}

/**
 * Locks an edit with what its status follows. User, video, edit is the order that everybody keeps; with the user held
 * no result is added meanwhile.
 */
async function hold(tx: EntityManager, userId: string, id: string): Promise<Edit | null> {
  const lockMode = LockMode.PESSIMISTIC_WRITE;
  await new UploadQueries(tx).holdUser(userId);
  const [row] = await tx.execute<{ videoId: string | null }[]>(
    'select video_id as "videoId" from edits where id = ? and user_id = ?',
    [id, userId],
  );
  if (!row) return null;
  if (row.videoId) await tx.findOne(Video, { id: row.videoId }, { lockMode });
  return tx.findOne(Edit, { id, user: userId }, { lockMode, refresh: true });
}
