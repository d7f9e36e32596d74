import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type EditStatus, isFinalEdit } from '../domain/edit.ts';
import type { VideoStatus } from '../domain/video.ts';
import { Edit } from './entities/edit.ts';
import type { Video } from './entities/video.ts';
import { tellEdit } from './events.ts';
import { NO_ERROR } from './storedError.ts';

/** What the state of a result says of the edit that made it. */
const STATUS_BY_VIDEO: Record<VideoStatus, EditStatus> = {
  awaiting_upload: 'running',
  pending: 'running',
  processing: 'running',
  ready: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

/**
 * Makes the edit that a video came from follow it. Called wherever the status of a video changes, in the same
 * transaction, which holds the video's row. Most videos came from no edit.
 *
 * @returns whether there was one that has another status now
 */
export async function followResult(tx: EntityManager, video: Video): Promise<boolean> {
  const status = STATUS_BY_VIDEO[video.status];
  const { errorCode, errorMessage, errorRetryable } = video;
  const changed = await tx.nativeUpdate(
    Edit,
    { video: video.id, status: { $ne: status } },
    {
      status,
      updatedAt: new Date(),
      endedAt: status === 'running' ? null : new Date(),
      ...(status === 'succeeded' ? { percent: 100 } : {}),
      ...(status === 'failed' ? { errorCode, errorMessage, errorRetryable } : NO_ERROR),
    },
  );
  return changed > 0;
}

/** Lets go of a result that is deleted: an edit that waited for it ends as cancelled, one that had ended stays so. */
export async function leaveResult(tx: EntityManager, videoId: string): Promise<void> {
  const edits = await tx.find(
    Edit,
    { video: videoId },
    { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
  );
  const waiting = edits.filter(({ status }) => !isFinalEdit(status));
  const now = new Date();
  for (const edit of waiting) Object.assign(edit, { status: 'cancelled', endedAt: now, ...NO_ERROR });
  for (const edit of edits) Object.assign(edit, { video: null, updatedAt: now });
  for (const { id } of waiting) await tellEdit(tx, id);
}
