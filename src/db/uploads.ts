import type { FilterQuery, RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { UploadProtocol, UploadState } from '../domain/upload.ts';
import type { StepName } from '../domain/video.ts';
import { VideoflowError } from '../errors.ts';
import { Upload } from './entities/upload.ts';
import { UploadSegment } from './entities/uploadSegment.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { tellUpload, tellVideo } from './events.ts';
import { newId } from './ids.ts';
import type { NewEntry } from './newVideo.ts';
import { cancelUnfinished } from './postEnds.ts';
import { type Page, VideoQueries } from './videos.ts';

/** The user has as much as a user may have; the message says of what. */
export class QuotaExceededError extends VideoflowError {
  readonly code = 'quota_exceeded';
}

export interface NewUpload {
  id: string;
  userId: string;
  protocol: UploadProtocol;
  /** Null while the client has not said yet. */
  lengthBytes: number | null;
  metadata: string | null;
  optionalSteps: StepName[];
  expiresAt: Date;
  clientFileId: string | null;
  totalChunks: number | null;
  /** What the bytes become; a library entry that waits for them under the same `external_id` is taken instead. */
  video: Omit<NewEntry, 'userId'>;
}

export interface QuotaLimits {
  maxOpenUploads: number;
  quotaBytes: number;
}

/** Births and reads of uploads; `userId` is always the owner's, so another's row is never found. */
export class UploadQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Inserts an open upload together with the video that it becomes. Call it in a transaction.
   *
   * @throws QuotaExceededError; ExternalIdTakenError
   */
  async create(upload: NewUpload, limits: QuotaLimits): Promise<Upload> {
    const row = await this.insert(upload, limits);
    await tellUpload(this.#em, row.id);
    return row;
  }

  /** The same for callers who tell of it themselves, when its first bytes are in. */
  async insert({ video: entry, userId, ...upload }: NewUpload, limits: QuotaLimits): Promise<Upload> {
    await this.assertRoom(userId, upload.lengthBytes ?? 0, limits);
    const open = await this.#em.count(Upload, { user: userId, state: 'open' });
    if (open >= limits.maxOpenUploads)
      throw new QuotaExceededError(
        `There are ${open} unfinished uploads already; end or remove one of them first`,
      );
    const ownId = newId();
    const video = await new VideoQueries(this.#em).takeOrCreateEntry({ ...entry, userId, id: ownId });
    const row = this.#em.create(Upload, {
      ...upload,
      user: this.#em.getReference(User, userId),
      video,
      hasOwnVideo: video.id === ownId || (await this.#wasMadeForUpload(video.id)),
    } as RequiredEntityData<Upload>);
    await this.#em.flush();
    return row;
  }

  /** Whether a waiting video is left of an upload that has just ended, and no library entry of its user's. */
  async #wasMadeForUpload(videoId: string): Promise<boolean> {
    return (await this.#em.count(Upload, { video: videoId, hasOwnVideo: true })) > 0;
  }

  /**
   * Erases a video that was made for uploads and never got bytes; their rows stay without it, so that their ends
   * can be told. Posts that waited for it are cancelled. Call it in a transaction that holds the user.
   */
  async eraseVideo(videoId: string): Promise<void> {
    // So that nobody tells of it while it is told as it was in the end.
    await this.#em.execute('select 1 from videos where id = ? for update', [videoId]);
    // Nothing of them can have left, so none is too late: they waited for bytes that never came.
    await cancelUnfinished(this.#em, { videoId });
    await tellVideo(this.#em, videoId, 'video.deleted');
    await this.#em.execute('update uploads set video_id = null where video_id = ?', [videoId]);
    await this.#em.nativeDelete(Video, { id: videoId });
  }

  /**
   * Makes sure that a user may store so many bytes more. Holds the user's row until the transaction ends, so that
   * two uploads cannot both take the last of the room.
   *
   * @throws QuotaExceededError
   */
  async assertRoom(userId: string, moreBytes: number, { quotaBytes }: QuotaLimits): Promise<void> {
    await this.holdUser(userId);
    const usedBytes = await this.usedBytes(userId);
    if (usedBytes + moreBytes <= quotaBytes) return;
    throw new QuotaExceededError(
      `${usedBytes} of ${quotaBytes} bytes are used up; remove videos to make room`,
    );
  }

  /** Makes whoever else asks for the same wait until the transaction ends; rows of the user may still be inserted. */
  async holdUser(userId: string): Promise<void> {
    await this.#em.execute('select id from users where id = ? for no key update', [userId]);
  }

  /** The bytes of a user's videos, of what was made of them, and of what unfinished uploads have announced or sent. */
  async usedBytes(userId: string): Promise<number> {
    const [row] = await this.#em.execute<{ used: string }[]>(
      `select coalesce((select sum(size_bytes) from videos where user_id = ? and source_key is not null), 0)
            + coalesce((select sum(a.size_bytes) from assets a join videos v on v.id = a.video_id
                        where v.user_id = ? and v.source_key is not null), 0)
            + coalesce((select sum(greatest(u.length_bytes, u.offset_bytes)) from uploads u
                        where u.user_id = ? and u.state in ('open', 'complete')), 0) as used`,
      [userId, userId, userId],
    );
    return Number(row?.used ?? 0);
  }

  /** Ends an upload that is not the video's yet; the reason may be one to tell. False when it had ended before. */
  terminate(userId: string, id: string, error?: { code: string; message: string }): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      const ended = await tx.execute<unknown[]>(
        `update uploads set state = 'terminated', ended_at = now(), error_code = ?, error_message = ?
         where id = ? and user_id = ? and state in ('open', 'complete') returning id`,
        [error?.code ?? null, error?.message ?? null, id, userId],
      );
      if (ended.length === 1) await tellUpload(tx, id);
      return ended.length === 1;
    });
  }

  /** Where the bytes of an upload are that count, in their order. */
  async listSegments(id: string): Promise<{ key: string; sizeBytes: number }[]> {
    const rows = await this.#em.find(
      UploadSegment,
      { upload: id, sizeBytes: { $gt: 0 } },
      { orderBy: { number: 'asc' } },
    );
    return rows.map(({ key, sizeBytes }) => ({ key, sizeBytes }));
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(userId: string, state: UploadState | undefined, { limit, beforeId }: Page): Promise<Upload[]> {
    const conditions: FilterQuery<Upload>[] = [{ user: userId }, VIDEO_NOT_DELETED];
    if (state) conditions.push({ state });
    if (beforeId) conditions.push({ id: { $lt: beforeId } });
    return this.#em.find(Upload, { $and: conditions }, { orderBy: { id: 'desc' }, limit: limit + 1 });
  }

  /** The user's upload, or null when it is another's or was never there. One of a deleted video is gone too. */
  find(userId: string, id: string): Promise<Upload | null> {
    return this.#em.findOne(Upload, ownUpload(userId, id));
  }
}

const VIDEO_NOT_DELETED: FilterQuery<Upload> = {
  $or: [{ video: null }, { video: { deletedAt: null } as FilterQuery<Video> }],
};

/** What finds a user's upload and no other. */
const ownUpload = (userId: string, id: string): FilterQuery<Upload> => ({
  $and: [{ id, user: userId }, VIDEO_NOT_DELETED],
});
