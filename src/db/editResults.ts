import type { EntityManager } from '@mikro-orm/postgresql';
import type { EditStatus } from '../domain/edit.ts';
import type { VideoStatus } from '../domain/video.ts';
import { Edit } from './entities/edit.ts';
import type { Video } from './entities/video.ts';
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
 */
export async function followResult(tx: EntityManager, video: Video): Promise<void> {
  const status = STATUS_BY_VIDEO[video.status];
  const { errorCode, errorMessage, errorRetryable } = video;
  await tx.nativeUpdate(
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
}

/** Lets go of a result that is deleted: an edit that waited for it ends as cancelled, one that had ended stays so. */
export async function leaveResult(tx: EntityManager, videoId: string): Promise<void> {
  const now = new Date();
  await tx.nativeUpdate(
    Edit,
    { video: videoId, status: { $in: ['queued', 'running'] } },
    { status: 'cancelled', endedAt: now, ...NO_ERROR },
  );
  await tx.nativeUpdate(Edit, { video: videoId }, { video: null, updatedAt: now });
}
