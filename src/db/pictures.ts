import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Asset } from './entities/asset.ts';
import { Video } from './entities/video.ts';
import { type QuotaLimits, UploadQueries } from './uploads.ts';

/** A picture whose bytes are stored. */
export interface NewPicture {
  videoId: string;
  userId: string;
  /** Its name among the pictures of the video. */
  variant: string;
  key: string;
  contentType: string;
  sizeBytes: number;
  width: number;
  height: number;
}

export interface PictureLimits extends QuotaLimits {
  maxPicturesPerVideo: number;
}

const UNUSED = `from assets where kind = 'picture' and coalesce(used_at, created_at) < ?`;
const BATCH = 500;

/** Pictures of chosen times and sizes: made when somebody asks, kept while somebody does. */
export class PictureQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Gives a picture that is there; whose video it is, is for the caller to know. */
  find(videoId: string, variant: string): Promise<Asset | null> {
    return this.#em.findOne(Asset, { video: videoId, kind: 'picture', variant });
  }

  /** Notes that a picture was asked for; once a minute is often enough. */
  async noteUse({ id, usedAt }: Pick<Asset, 'id' | 'usedAt'>): Promise<void> {
    if (usedAt && Date.now() - usedAt.getTime() < 60_000) return;
    await this.#em.execute('update assets set used_at = now() where id = ?', [id]);
  }

  /**
   * Makes a stored picture one of its video's; those that were used least recently make way for it. One transaction.
   *
   * @returns the keys of objects that nobody needs any more: the picture's own, if the video is gone or somebody else
   *   was faster
   * @throws QuotaExceededError
   */
  record(picture: NewPicture, limits: PictureLimits): Promise<{ unneededKeys: string[] }> {
    const { videoId, userId, variant, sizeBytes, ...columns } = picture;
    return this.#em.transactional(async (tx) => {
      const uploads = new UploadQueries(tx);
      // User, then video, is the order that everybody keeps.
      await uploads.holdUser(userId);
      const video = await tx.findOne(
        Video,
        { id: videoId, user: userId, deletedAt: null },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      const isMade = video && (await tx.count(Asset, { video: videoId, kind: 'picture', variant })) > 0;
      if (!video || isMade) return { unneededKeys: [picture.key] };
      const evicted = await evict(tx, videoId, limits.maxPicturesPerVideo - 1);
      await uploads.assertRoom(userId, sizeBytes, limits);
      const row = { ...columns, video, kind: 'picture', variant, sizeBytes, usedAt: new Date() };
      tx.create(Asset, row as RequiredEntityData<Asset>);
      return { unneededKeys: evicted };
    });
  }

  /** How many pictures nobody has asked for since a time. */
  async countUnused(since: Date): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(`select count(*)::int as count ${UNUSED}`, [
      since,
    ]);
    return row?.count ?? 0;
  }

  /** Removes some hundreds of them. @returns where their bytes are; empty when there are no more */
  async removeUnused(since: Date): Promise<string[]> {
    return keysOf(this.#em, `select id ${UNUSED} limit ${BATCH}`, [since]);
  }
}

/** Removes all pictures of a video but those that were used last. @returns where their bytes are */
const evict = (tx: EntityManager, videoId: string, kept: number): Promise<string[]> =>
  keysOf(
    tx,
    `select id from assets where video_id = ? and kind = 'picture'
     order by coalesce(used_at, created_at) desc, id desc offset ?`,
    [videoId, kept],
  );

async function keysOf(em: EntityManager, ids: string, parameters: unknown[]): Promise<string[]> {
  const rows = await em.execute<{ key: string }[]>(
    `with gone as (delete from assets where id in (${ids}) returning key) select key from gone`,
    parameters,
  );
  return rows.map((row) => row.key);
}
