import type { EntityManager } from '@mikro-orm/postgresql';
import type { VideoStatus } from '../domain/video.ts';
import { followResult } from './editResults.ts';
import type { Video } from './entities/video.ts';
import type { ChangedPart } from './events.ts';
import { errorColumns, NO_ERROR, type StoredError } from './storedError.ts';

/**
 * Shows a video, whose row the transaction holds, in a status, with the reason where it failed; the edit that made it
 * follows.
 *
 * @returns what there is to tell of: nothing of what was in that status before
 */
export async function showStatus(
  tx: EntityManager,
  video: Video,
  status: VideoStatus,
  error?: StoredError,
): Promise<ChangedPart[]> {
  const hasChanged = video.status !== status;
  video.status = status;
  Object.assign(video, error ? errorColumns(error) : NO_ERROR);
  const hasEditChanged = await followResult(tx, video);
  return [...(hasChanged ? ['video' as const] : []), ...(hasEditChanged ? ['edit' as const] : [])];
}
