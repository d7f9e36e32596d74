import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { CaptionUsage } from '../domain/caption.ts';
import type { CaptionPlatform } from '../domain/captionLimits.ts';
import { Caption } from './entities/caption.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { errorColumns, type StoredError } from './storedError.ts';

/** What a caption is to be written from; at least one of prompt and video is there. */
export interface NewCaption {
  userId: string;
  videoId: string | null;
  prompt: string | null;
  platform: CaptionPlatform | null;
  wantedModel: string | null;
}

export interface CaptionText {
  caption: string;
  /** The model that really wrote it. */
  model: string;
  usage: CaptionUsage | null;
}

const PAGE = 200;
const BATCH = 5000;
const KEPT = `interval '30 days'`;
/** So long it takes at most until the engine knows of a caption that it was told of. */
const BEGINNING = `interval '1 minute'`;
const OLD = `from captions where status <> 'running' and created_at < now() - ${KEPT}`;

/** Captions: what was asked for, and what was written. What has ended is never changed again. */
export class CaptionQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Call it in the transaction that has found the video to be the user's. @returns its id */
  async insert({ userId, videoId, ...columns }: NewCaption): Promise<string> {
    const row = this.#em.create(Caption, {
      ...columns,
      user: this.#em.getReference(User, userId),
      video: videoId === null ? null : this.#em.getReference(Video, videoId),
    } as RequiredEntityData<Caption>);
    await this.#em.flush();
    return row.id;
  }

  find(userId: string, id: string): Promise<Caption | null> {
    return this.#em.findOne(Caption, { id, user: userId });
  }

  /** Gives one that is still to be written, for whoever writes it. */
  findRunning(id: string): Promise<Caption | null> {
    return this.#em.findOne(Caption, { id, status: 'running' });
  }

  /** Keeps what was written. @returns whether that was still wanted */
  async succeed(id: string, written: CaptionText): Promise<boolean> {
    return this.#end(id, { ...written, status: 'succeeded' });
  }

  /** Says why it cannot be written. @returns whether it had not ended before */
  async fail(id: string, error: StoredError): Promise<boolean> {
    return this.#end(id, { ...errorColumns(error), status: 'failed' });
  }

  async #end(id: string, columns: object): Promise<boolean> {
    const ended = { ...columns, endedAt: new Date() };
    return (await this.#em.nativeUpdate(Caption, { id, status: 'running' }, ended)) === 1;
  }

  /** Removes one that nobody was told to write. */
  async withdraw(id: string): Promise<void> {
    await this.#em.nativeDelete(Caption, { id, status: 'running' });
  }

  /** Those that the engine has to know of by now, in pages by id. */
  listUnended(afterId: string | null): Promise<{ id: string }[]> {
    return this.#em.execute<{ id: string }[]>(
      `select id from captions where status = 'running' and created_at < now() - ${BEGINNING}
       and (?::uuid is null or id > ?::uuid) order by id limit ${PAGE}`,
      [afterId, afterId],
    );
  }

  /** How many have been kept for their thirty days. */
  async countOld(): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(`select count(*)::int as count ${OLD}`);
    return row?.count ?? 0;
  }

  /** Removes them, some thousands at a time. @returns how many; 0 when there are no more */
  async removeOld(): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(
      `with gone as (delete from captions where id in (select id ${OLD} limit ${BATCH}) returning id)
       select count(*)::int as count from gone`,
    );
    return row?.count ?? 0;
  }
}
