import type { EntityManager } from '@mikro-orm/postgresql';
import { indexVideo } from './searchIndex.ts';

const PAGE = 100;

/**
 * Videos that no search finds yet: those from before there was a search, and what a process of an older version
 * accepts while a newer one runs already.
 */
export class UnindexedVideoQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** In pages by id. */
  async list(afterId: string | null): Promise<string[]> {
    const rows = await this.#em.execute<{ id: string }[]>(
      `select v.id from videos v
       where v.deleted_at is null and (?::uuid is null or v.id > ?::uuid)
         and not exists (select from search_documents d where d.video_id = v.id)
       order by v.id limit ${PAGE}`,
      [afterId, afterId],
    );
    return rows.map(({ id }) => id);
  }

  /** Whoever holds the row right now is left to it: perhaps it is being indexed. */
  index(videoId: string): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const held = await tx.execute('select id from videos where id = ? for no key update skip locked', [
        videoId,
      ]);
      if (held.length > 0) await indexVideo(tx, videoId);
    });
  }
}
