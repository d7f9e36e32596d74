import type { EntityManager } from '@mikro-orm/postgresql';
import { isWithin, judgeParent, type ParentUse } from '../domain/edit.ts';
import { VideoflowError } from '../errors.ts';
import type { Edit } from './entities/edit.ts';
import { Upload } from './entities/upload.ts';
import { Video } from './entities/video.ts';
import type { StoredError } from './storedError.ts';

/** Something about the videos themselves: the same edit of them fails again. */
export class UnusableParentError extends VideoflowError {
  readonly code: string;

  constructor({ code, message }: StoredError) {
    super(message);
    this.code = code;
  }
}

/** One of them is processed anew: it was ready when the edit had waited for it, and will be again. */
export class UnreadyParentError extends VideoflowError {
  readonly code = 'still_processed';
  override readonly retryClass = 'outside';
}

export type ParentsSight =
  | { outcome: 'ready' }
  /** One of them is still being processed. */
  | { outcome: 'waiting'; videoId: string }
  | { outcome: 'unusable'; error: StoredError };

export interface EditLimits {
  /** Of a result. */
  maxDurationSec: number;
}

/** By their ids; also deleted ones, as long as their rows are there. */
async function findParents(em: EntityManager, edit: Edit): Promise<Map<string, Video>> {
  const videos = await em.find(Video, { id: { $in: [...new Set(edit.parents)] } });
  return new Map(videos.map((video) => [video.id, video]));
}

/**
 * Says whether an edit can be made now, has to wait, or cannot be made.
 *
 * @returns with the videos in the order of the edit, each as often as it stands there; without those that are gone
 */
export async function judgeParents(
  em: EntityManager,
  edit: Edit,
  limits: EditLimits,
): Promise<{ sight: ParentsSight; parents: Video[] }> {
  const byId = await findParents(em, edit);
  const sight = await judge(em, { edit, byId }, limits);
  return { sight, parents: edit.parents.flatMap((id) => byId.get(id) ?? []) };
}

async function judge(
  em: EntityManager,
  { edit, byId }: { edit: Edit; byId: Map<string, Video> },
  { maxDurationSec }: EditLimits,
): Promise<ParentsSight> {
  let waitsFor: string | null = null;
  for (const id of new Set(edit.parents)) {
    const video = byId.get(id);
    if (!video || video.deletedAt) return unusable('video_not_usable', `The video ${id} was deleted`, false);
    const use = await judgeVideo(em, video);
    if (use === 'unusable') return isNot(video);
    if (use === 'coming') waitsFor ??= id;
  }
  if (waitsFor) return { outcome: 'waiting', videoId: waitsFor };
  const durations = edit.parents.map((id) => byId.get(id)?.durationSec ?? 0);
  return judgeDurations(edit, durations, maxDurationSec);
}

async function judgeVideo(em: EntityManager, video: Video): Promise<ParentUse> {
  const { status, cancelRequestedAt } = video;
  const hasAllBytes = status === 'awaiting_upload' && (await isUploaded(em, video.id));
  return judgeParent({ status, isUnwanted: cancelRequestedAt !== null, hasAllBytes });
}

/** What is only known once all are probed. */
function judgeDurations(edit: Edit, durationsSec: number[], maxDurationSec: number): ParentsSight {
  const [durationSec = 0] = durationsSec;
  if (edit.kind === 'trim' && !isWithin(edit.endSec ?? 0, durationSec))
    return unusable('invalid_range', `The video has only ${durationSec} seconds`, false);
  if (durationsSec.reduce((sum, sec) => sum + sec, 0) > maxDurationSec)
    return unusable('too_long', `Together they are longer than ${maxDurationSec} seconds`, false);
  return { outcome: 'ready' };
}

const isUploaded = async (em: EntityManager, videoId: string): Promise<boolean> =>
  (await em.count(Upload, { video: videoId, state: 'complete' })) > 0;

/** Whoever brings a failed video to ready may have its edit retried; one that can never be ready, not. */
function isNot(video: Video): ParentsSight {
  const isStopped = video.status !== 'failed';
  const words = isStopped ? 'is not processed to its end' : 'has failed';
  return unusable(
    'video_not_usable',
    `The video ${video.id} ${words}`,
    isStopped || video.errorRetryable === true,
  );
}

const unusable = (code: string, message: string, retryable: boolean): ParentsSight => ({
  outcome: 'unusable',
  error: { code, message, retryable },
});
