import { type EntityData, type FilterQuery, LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { COPYING_PERCENT, type EditMethod, isFinalEdit } from '../domain/edit.ts';
import { DEFAULT_STEPS } from '../domain/video.ts';
import {
  type EditLimits,
  judgeParents,
  type ParentsSight,
  UnreadyParentError,
  UnusableParentError,
} from './editParents.ts';
import { requeueEdit } from './edits.ts';
import { Edit } from './entities/edit.ts';
import type { Video } from './entities/video.ts';
import { tellEdit } from './events.ts';
import { inheritTranscript } from './inheritedTranscript.ts';
import { errorColumns, NO_ERROR, type StoredError } from './storedError.ts';
import { type QuotaLimits, UploadQueries } from './uploads.ts';
import { VideoQueries } from './videos.ts';

/** Which run of an edit; what a workflow may write about. */
export interface EditOfRun {
  editId: string;
  run: number;
}

/** One beginning of work on an edit; what an activity may write about. */
export interface EditAttempt {
  editId: string;
  attempt: number;
}

/** `rendered` when only the processing of the result is left; `over` when there is nothing to do for this run. */
export type EditBeginning = { outcome: 'go' | 'rendered' | 'over' | 'cancelled' };

export type EditAttemptBeginning =
  /** The parents in the order of the edit, each as often as it stands there. */
  | { outcome: 'go'; attempt: number; edit: Edit; parents: Video[] }
  | { outcome: 'done' | 'superseded' | 'cancelled' };

/** A rendered file and how it came about. */
export interface Rendering {
  /** Of the video to be made. */
  videoId: string;
  sourceKey: string;
  sizeBytes: number;
  filename: string;
  userLabel: string | null;
  method: EditMethod;
  usedStartSec: number | null;
  usedEndSec: number | null;
  /** Of a merge. */
  startsSec: number[] | null;
}

const UNFINISHED = { $in: ['queued', 'running'] as const };

/**
 * The records of edits until their file is stored; from then on they follow their result (`editResults.ts`). Every
 * write is fenced, by the run where a workflow writes and by the attempt where an activity does.
 */
export class EditRecordQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Says what a run has to do. */
  beginRun({ editId, run }: EditOfRun): Promise<EditBeginning> {
    return this.#em.transactional(async (tx) => {
      const edit = await lockEdit(tx, editId);
      if (!edit || edit.run !== run) return { outcome: 'over' };
      // Also for a run that only ends itself: were it not noted, the reconciler would start it once more.
      edit.startedRun = run;
      if (edit.video) return { outcome: 'rendered' };
      if (edit.renderedAt || edit.status === 'succeeded') return { outcome: 'over' };
      if (edit.cancelRequestedAt) return { outcome: 'cancelled' };
      // After a Reset: what this run gave up before is its work again.
      if (isFinalEdit(edit.status)) {
        requeueEdit(edit);
        await tellEdit(tx, editId);
      }
      return { outcome: 'go' };
    });
  }

  /** Says whether every video that an edit is made of is ready, or will ever be. */
  async lookAtParents(
    { editId, run }: EditOfRun,
    limits: EditLimits,
  ): Promise<ParentsSight | { outcome: 'cancelled' | 'over' }> {
    const edit = await this.#em.findOne(Edit, { id: editId });
    if (!edit || edit.run !== run || isFinalEdit(edit.status) || edit.renderedAt) return { outcome: 'over' };
    if (edit.cancelRequestedAt) return { outcome: 'cancelled' };
    return (await judgeParents(this.#em, edit, limits)).sight;
  }

  /**
   * Begins an attempt: raises its number and shows the edit at work.
   *
   * @throws UnusableParentError when a parent was deleted meanwhile; UnreadyParentError when one is processed anew
   */
  beginAttempt({ editId, run }: EditOfRun, limits: EditLimits): Promise<EditAttemptBeginning> {
    return this.#em.transactional(async (tx) => {
      const edit = await lockEdit(tx, editId);
      if (!edit || edit.run !== run) return { outcome: 'superseded' };
      if (edit.renderedAt) return { outcome: 'done' };
      if (isFinalEdit(edit.status)) return { outcome: 'superseded' };
      if (edit.cancelRequestedAt) return { outcome: 'cancelled' };
      const { sight, parents } = await judgeParents(tx, edit, limits);
      if (sight.outcome === 'unusable') throw new UnusableParentError(sight.error);
      if (sight.outcome === 'waiting')
        throw new UnreadyParentError(`The video ${sight.videoId} is being processed again`);
      startAttempt(edit);
      await tellEdit(tx, editId);
      return { outcome: 'go', attempt: edit.attempt, edit, parents };
    });
  }

  /**
   * Shows progress in percent of the whole, unless the attempt is no longer the one at work. Within a run the shown
   * percentage only grows: an attempt that repeats another is heard of again once it is as far.
   */
  async showProgress({ editId, attempt }: EditAttempt, percent: number): Promise<void> {
    await this.#em.execute(
      `update edits set percent = greatest(percent, ?), updated_at = now()
       where id = ? and attempt = ? and status = 'running' and rendered_at is null`,
      [percent, editId, attempt],
    );
  }

  /**
   * Gives an edit that cannot be copied back unfinished, to be encoded.
   *
   * @returns null when the attempt is no longer the one at work: nothing was changed
   */
  async handBack({ editId, attempt }: EditAttempt): Promise<{ replacedKeys: string[] } | null> {
    const isAtWork = { id: editId, attempt, status: 'running' as const, renderedAt: null };
    const queued = { status: 'queued' as const, percent: COPYING_PERCENT, updatedAt: new Date() };
    return (await this.#change(isAtWork, queued)) ? { replacedKeys: [] } : null;
  }

  /**
   * Ends an attempt well: makes the new video of what was rendered, in `pending` and with its steps.
   *
   * @returns null when the attempt is no longer the one at work, or nobody wants it any more: nothing was changed
   * @throws QuotaExceededError
   */
  completeRender(
    { editId, attempt }: EditAttempt,
    rendering: Rendering,
    limits: QuotaLimits,
  ): Promise<{ replacedKeys: string[] } | null> {
    return this.#em.transactional(async (tx) => {
      const userId = await ownerOf(tx, editId);
      if (!userId) return null;
      await new UploadQueries(tx).assertRoom(userId, rendering.sizeBytes, limits);
      const edit = await lockEdit(tx, editId);
      const isAtWork = edit?.status === 'running' && edit.attempt === attempt;
      if (!isAtWork || edit.renderedAt || edit.cancelRequestedAt) return null;
      const { method, usedStartSec, usedEndSec, startsSec } = rendering;
      const video = await insertResult(tx, { userId, edit, rendering });
      Object.assign(edit, { video, method, usedStartSec, usedEndSec, startsSec, ...NO_ERROR });
      Object.assign(edit, { renderedAt: new Date(), updatedAt: new Date(), nextAttemptAt: null });
      return { replacedKeys: [] };
    });
  }

  /** Shows that a failed attempt will be repeated, and when; a repetition changes nothing. */
  async waitForRetry({ editId, run }: EditOfRun, error: StoredError, nextAttemptAt: Date): Promise<void> {
    const waiting = { nextAttemptAt, updatedAt: new Date(), ...errorColumns(error) };
    const isNews = { $or: [{ nextAttemptAt: null }, { nextAttemptAt: { $ne: nextAttemptAt } }] };
    await this.#change({ ...unfinished(editId, run), ...isNews }, waiting, 'edit.waiting_retry');
  }

  /** Ends an edit badly. */
  async fail({ editId, run }: EditOfRun, error: StoredError): Promise<void> {
    const failed = { status: 'failed' as const, ...ended(), ...errorColumns(error) };
    await this.#change(unfinished(editId, run), failed);
  }

  /** Changes an edit that is as it is expected to be. @returns whether it was */
  #change(
    where: FilterQuery<Edit> & { id: string },
    columns: EntityData<Edit>,
    type?: 'edit.waiting_retry',
  ): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      if ((await tx.nativeUpdate(Edit, where, columns)) === 0) return false;
      await tellEdit(tx, where.id, type);
      return true;
    });
  }

  /** Ends what a run left unfinished: after a cancel, or when the run itself ended otherwise. */
  settle(
    { editId, run }: EditOfRun,
    end: { status: 'cancelled' } | { status: 'failed'; error: StoredError },
  ): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const edit = await lockEdit(tx, editId);
      if (!edit || edit.run !== run) return;
      // Also when it ended before it began: else it would be started for ever, and one day with success.
      edit.startedRun = run;
      if (edit.renderedAt || isFinalEdit(edit.status)) return;
      Object.assign(edit, ended(), { status: end.status });
      Object.assign(edit, end.status === 'failed' ? errorColumns(end.error) : NO_ERROR);
      await tellEdit(tx, editId);
    });
  }

  /** The processing to start for a rendered edit; null when it was begun, or is no longer wanted. */
  async findUnstartedResult(
    editId: string,
  ): Promise<{ videoId: string; userId: string; run: number } | null> {
    const edit = await this.#em.findOne(
      Edit,
      { id: editId, video: { deletedAt: null } },
      { populate: ['video'] },
    );
    if (!edit?.video || edit.video.startedRun >= edit.video.run) return null;
    return { videoId: edit.video.id, userId: edit.user.id, run: edit.video.run };
  }
}

const lockEdit = (tx: EntityManager, id: string): Promise<Edit | null> =>
  tx.findOne(Edit, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });

const unfinished = (editId: string, run: number) => ({
  id: editId,
  run,
  status: UNFINISHED,
  renderedAt: null,
});

const ended = () => ({
  nextAttemptAt: null,
  cancelRequestedAt: null,
  endedAt: new Date(),
  updatedAt: new Date(),
});

async function ownerOf(tx: EntityManager, editId: string): Promise<string | null> {
  const [row] = await tx.execute<{ userId: string }[]>('select user_id as "userId" from edits where id = ?', [
    editId,
  ]);
  return row?.userId ?? null;
}

function startAttempt(edit: Edit): void {
  edit.attempt += 1;
  edit.status = 'running';
  edit.startedAt ??= new Date();
  edit.nextAttemptAt = null;
  edit.updatedAt = new Date();
  Object.assign(edit, NO_ERROR);
}

async function insertResult(
  tx: EntityManager,
  { userId, edit, rendering }: { userId: string; edit: Edit; rendering: Rendering },
): Promise<Video> {
  const { videoId, sourceKey, sizeBytes, filename, userLabel } = rendering;
  const transcript = await inheritTranscript(tx, edit.parents);
  const video = await new VideoQueries(tx).insert({
    ...{ id: videoId, userId, userLabel, externalId: null, title: edit.title, description: null, tags: [] },
    ...{ filename, contentType: 'video/mp4', sourceKey, sourceSha256: null, sizeBytes },
    parents: edit.parents,
    optionalSteps: DEFAULT_STEPS.filter((name) => name !== 'transcript' || transcript !== 'none'),
  });
  if (transcript === 'carried') {
    const step = [...video.steps].find(({ name }) => name === 'transcript');
    if (step) step.options = { carriesOnly: true };
  }
  return video;
}
