import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Share } from './entities/share.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { tellShare } from './events.ts';
import type { Page } from './videos.ts';

export interface NewShare {
  userId: string;
  videoId: string;
  /** SHA-256 of the handle, in hex. */
  handleHash: string;
  expiresAt: Date;
  maxViews: number | null;
  allowDownload: boolean;
}

/** The clock is the database's, the same for all processes. */
export type ShareState = 'live' | 'expired' | 'revoked';

/** A share as whoever has its handle finds it; its video is there. */
export interface FoundShare {
  id: string;
  userId: string;
  videoId: string;
  allowDownload: boolean;
  state: ShareState;
  /** Nobody new may see it. */
  isUsedUp: boolean;
  /** Where the session asked for was counted: here, at another share, or nowhere yet. */
  session: 'counted' | 'foreign' | 'new';
}

/** What became of counting a session; all but `counted` say why it gets no bytes. */
export type Admission = 'counted' | 'used_up' | 'foreign' | 'expired' | 'revoked' | 'gone';

const STATE = `case when s.revoked_at is not null then 'revoked' when s.expires_at <= now() then 'expired' else 'live' end`;
const IS_USED_UP = 's.max_views is not null and s.views >= s.max_views';

/** As long as somebody may take for one viewing, with breaks: after that, a session that comes back is a new view. */
const SESSION_LIFE = `interval '2 days'`;
const IS_OLD = `created_at < now() - ${SESSION_LIFE}`;
const SESSION = `coalesce((select case when x.share_id = s.id then 'counted' else 'foreign' end
  from share_sessions x where x.id = ? and x.created_at >= now() - ${SESSION_LIFE}), 'new')`;
const BATCH = 500;

/** Links to videos, their views, and what is still good of them. A deleted video's links are none at all. */
export class ShareQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Call it in the transaction that has found the video to be the user's. */
  async insert({ userId, videoId, ...columns }: NewShare): Promise<Share> {
    const user = this.#em.getReference(User, userId);
    const video = this.#em.getReference(Video, videoId);
    const row = this.#em.create(Share, { ...columns, user, video } as RequiredEntityData<Share>);
    await tellShare(this.#em, row.id, 'share.created');
    return row;
  }

  /** All of a video, the ended ones too, newest first; one more than `limit` rows tells of a next page. */
  list(userId: string, videoId: string, page: Page): Promise<Share[]> {
    const before = page.beforeId ? { id: { $lt: page.beforeId } } : {};
    return this.#em.find(
      Share,
      { user: userId, video: videoId, ...before },
      { orderBy: { id: 'desc' }, limit: page.limit + 1 },
    );
  }

  /** Takes a link back; repeating it changes nothing. False when the user has no such share. */
  revoke(userId: string, id: string): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      const [share] = await tx.execute<{ isRevoked: boolean }[]>(
        `select s.revoked_at is not null as "isRevoked" from shares s join videos v on v.id = s.video_id
         where s.id = ? and s.user_id = ? and v.deleted_at is null for update of s`,
        [id, userId],
      );
      if (!share || share.isRevoked) return share !== undefined;
      await tx.execute('update shares set revoked_at = now() where id = ?', [id]);
      await tellShare(tx, id, 'share.revoked');
      return true;
    });
  }

  /** The share of a handle, in whatever state; null when there is none, or its video is deleted. */
  async find(handleHash: string, sessionId: string | null): Promise<FoundShare | null> {
    const [row] = await this.#em.execute<FoundShare[]>(
      `select s.id, s.user_id as "userId", s.video_id as "videoId", s.allow_download as "allowDownload",
              ${STATE} as state, ${IS_USED_UP} as "isUsedUp", ${SESSION} as session
       from shares s join videos v on v.id = s.video_id and v.deleted_at is null
       where s.handle_hash = ?`,
      [sessionId, handleHash],
    );
    return row ?? null;
  }

  /**
   * Makes a session one view, once, however many of its requests ask at the same time; a counted one stays good for two
   * days, whatever the number of views.
   */
  countSession(shareId: string, sessionId: string): Promise<Admission> {
    return this.#em.transactional(async (tx) => {
      const [share] = await tx.execute<{ state: ShareState; isUsedUp: boolean }[]>(
        `select ${STATE} as state, ${IS_USED_UP} as "isUsedUp" from shares s
         join videos v on v.id = s.video_id and v.deleted_at is null where s.id = ? for update of s`,
        [shareId],
      );
      if (!share) return 'gone';
      if (share.state !== 'live') return share.state;
      // A statement of its own: only one that begins under the lock sees what its last holder has written.
      const [known] = await tx.execute<{ session: FoundShare['session'] }[]>(
        `select ${SESSION} as session from shares s where s.id = ?`,
        [sessionId, shareId],
      );
      if (known?.session !== 'new') return known?.session ?? 'gone';
      if (share.isUsedUp) return 'used_up';
      const [counted] = await tx.execute<{ id: string }[]>(
        `with fresh as (insert into share_sessions (id, share_id, created_at) values (?, ?, now())
           on conflict (id) do update set share_id = excluded.share_id, created_at = excluded.created_at
           where share_sessions.${IS_OLD} returning share_id)
         update shares s set views = s.views + 1 from fresh where s.id = fresh.share_id returning s.id`,
        [sessionId, shareId],
      );
      return counted ? 'counted' : 'foreign';
    });
  }

  /** How many views are so old that their sessions count anew. */
  async countOldSessions(): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(
      `select count(*)::int as count from share_sessions where ${IS_OLD}`,
    );
    return row?.count ?? 0;
  }

  /** Forgets them, some hundreds in one statement; the numbers of views stay. @returns how many */
  async removeOldSessions(): Promise<number> {
    let removed = 0;
    for (;;) {
      const rows = await this.#em.execute<{ id: string }[]>(
        `delete from share_sessions where id in (select id from share_sessions where ${IS_OLD} limit ${BATCH})
           and ${IS_OLD} returning id`,
      );
      removed += rows.length;
      if (rows.length < BATCH) return removed;
    }
  }

  /** Of the shares given, those that are still good, asked for in one statement. */
  async findLive(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.#em.execute<{ id: string }[]>(
      `select s.id from shares s join videos v on v.id = s.video_id and v.deleted_at is null
       where s.id in (?) and ${STATE} = 'live'`,
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  }
}
