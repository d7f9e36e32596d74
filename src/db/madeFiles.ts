import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AssetKind } from '../domain/video.ts';
import { Asset } from './entities/asset.ts';
import { Video } from './entities/video.ts';
import { type QuotaLimits, UploadQueries } from './uploads.ts';

/** A file whose bytes are stored. */
export interface NewMadeFile {
  videoId: string;
  userId: string;
  /** Its name among those of its kind that the video has. */
  variant: string;
  key: string;
  contentType: string;
  sizeBytes: number;
  width: number | null;
  height: number | null;
}

/** Of a file that its video has from the beginning no use is noted: it stays. */
const UNUSED = 'from assets where kind = ? and used_at < ?';
const BATCH = 500;

/** Files of one kind that are made when somebody asks for them, and kept while somebody does. */
export abstract class MadeFileQueries {
  protected abstract readonly kind: AssetKind;
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Gives a file that is there; whose video it is, is for the caller to know. */
  find(videoId: string, variant: string): Promise<Asset | null> {
    return this.#em.findOne(Asset, { video: videoId, kind: this.kind, variant });
  }

  /** Notes that a file was asked for; once a minute is often enough. */
  async noteUse({ id, usedAt }: Pick<Asset, 'id' | 'usedAt'>): Promise<void> {
    if (!usedAt || Date.now() - usedAt.getTime() < 60_000) return;
    await this.#em.execute('update assets set used_at = now() where id = ?', [id]);
  }

  /**
   * Makes a stored file one of its video's; those of its kind that were used least recently make way for it. One
   * transaction.
   *
   * @param maxPerVideo how many of its kind a video keeps
   * @returns the keys of objects that nobody needs any more: the file's own, if the video is gone or somebody else was
   *   faster
   * @throws QuotaExceededError
   */
  protected recordFile(
    file: NewMadeFile,
    limits: QuotaLimits,
    maxPerVideo: number,
  ): Promise<{ unneededKeys: string[] }> {
    const { videoId, userId, variant, sizeBytes, ...columns } = file;
    const { kind } = this;
    return this.#em.transactional(async (tx) => {
      const uploads = new UploadQueries(tx);
      // User, then video, is the order that everybody keeps.
      await uploads.holdUser(userId);
      const video = await tx.findOne(
        Video,
        { id: videoId, user: userId, deletedAt: null },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      const isMade = video && (await tx.count(Asset, { video: videoId, kind, variant })) > 0;
      if (!video || isMade) return { unneededKeys: [file.key] };
      const evicted = await evict(tx, { videoId, kind, kept: maxPerVideo - 1 });
      await uploads.assertRoom(userId, sizeBytes, limits);
      const row = { ...columns, video, kind, variant, sizeBytes, usedAt: new Date() };
      tx.create(Asset, row as RequiredEntityData<Asset>);
      return { unneededKeys: evicted };
    });
  }

  /** How many files nobody has asked for since a time. */
  async countUnused(since: Date): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(`select count(*)::int as count ${UNUSED}`, [
      this.kind,
      since,
    ]);
    return row?.count ?? 0;
  }

  /** Removes some hundreds of them. @returns where their bytes are; empty when there are no more */
  async removeUnused(since: Date): Promise<string[]> {
    return removeRows(this.#em, `select id ${UNUSED} limit ${BATCH}`, [this.kind, since]);
  }
}

/** Removes all files of a kind but those that were used last. @returns where their bytes are */
const evict = (
  tx: EntityManager,
  { videoId, kind, kept }: { videoId: string; kind: AssetKind; kept: number },
): Promise<string[]> =>
  removeRows(
    tx,
    `select id from assets where video_id = ? and kind = ?
     order by coalesce(used_at, created_at) desc, id desc offset ?`,
    [videoId, kind, kept],
  );

async function removeRows(em: EntityManager, ids: string, parameters: unknown[]): Promise<string[]> {
  const rows = await em.execute<{ key: string }[]>(
    `with gone as (delete from assets where id in (${ids}) returning key) select key from gone`,
    parameters,
  );
  return rows.map((row) => row.key);
}
