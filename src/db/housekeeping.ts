import type { EntityManager } from '@mikro-orm/postgresql';
import { RateLimit } from './entities/rateLimit.ts';
import { Upload } from './entities/upload.ts';

/** Which remembered orphans a question is about; both times are those of passes. */
export interface DueOrphans {
  /** The pass that asks: what it has not seen itself is not due. */
  seenAt: Date;
  /** Due is what was first seen at that time or before. */
  firstSeenBy: Date;
}

const PAGE = 200;
const BATCH = 5000;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
/** Stands for the id in a key that has none. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
/** Segments lie in folders, `uploads/<upload>/<segment>/<piece>`, and a row names the folder. */
const SEGMENT = /^uploads\/[^/]+\/[^/]+\//;

const LIVE = `('open', 'complete')`;
const OVERDUE = `from uploads u where u.state = 'open' and u.expires_at < ?
  and (u.lease_until is null or u.lease_until < now())`;
/** What still has bytes to be removed is kept: its workflow is at it, or will be. */
const ENDED = `u.state not in ${LIVE} and u.cleared_at is not null and u.ended_at < now() -`;
const ENDED_UPLOADS = `from uploads u where ${ENDED} interval '7 days'`;
/** A chunk that is sent again within a day of the end is compared with these. */
const ENDED_SEGMENTS = `from upload_segments s join uploads u on u.id = s.upload_id where ${ENDED} interval '24 hours'`;

/** What housekeeping asks of and does to the rows of all users. */
export class HousekeepingQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Open uploads whose time was over at a moment and that no writer holds, in pages by id. */
  async listOverdueUploads(before: Date, afterId: string | null): Promise<string[]> {
    const rows = await this.#em.execute<{ id: string }[]>(
      `select u.id ${OVERDUE} and (?::uuid is null or u.id > ?::uuid) order by u.id limit ${PAGE}`,
      [before, afterId, afterId],
    );
    return rows.map((row) => row.id);
  }

  countOverdueUploads(before: Date): Promise<number> {
    return this.#count(OVERDUE, [before]);
  }

  async isExpired(uploadId: string): Promise<boolean> {
    return (await this.#em.count(Upload, { id: uploadId, state: 'expired' })) > 0;
  }

  /**
   * Of the storage keys given, those that are needed (by deleted videos, too, until their rows go). The bytes of an
   * upload belong to it until it has ended, and so does the source that they are joined to before a video has it.
   */
  keysInUse(keys: string[]): Promise<Set<string>> {
    return this.#keysWithRow(keys, `and u.state in ${LIVE}`);
  }

  /** The same, and those that a row only still mentions: the bytes of uploads that have ended. */
  keysMentioned(keys: string[]): Promise<Set<string>> {
    return this.#keysWithRow(keys, '');
  }

  async #keysWithRow(keys: string[], andUpload: string): Promise<Set<string>> {
    // Everything is asked for by an id too, which every key of ours holds and which is indexed.
    const ids = keys.map((key) => UUID.exec(key)?.[0] ?? NOBODY);
    const folders = keys.map((key) => SEGMENT.exec(key)?.[0] ?? key);
    const rows = await this.#em.execute<{ key: string }[]>(
      `select source_key as key from videos where source_key in (?) union all
       select key from assets where video_id in (?) and key in (?) union all
       select 'sources/' || u.id from uploads u where u.id in (?) ${andUpload} union all
       select s.key from upload_segments s join uploads u on u.id = s.upload_id
       where s.upload_id in (?) and s.key in (?) ${andUpload}`,
      [keys, ids, keys, ids, ids, folders],
    );
    const known = new Set(rows.map((row) => row.key));
    return new Set(keys.filter((key, index) => known.has(key) || known.has(folders[index] ?? key)));
  }

  /** Remembers that a pass has seen objects without a row. */
  async rememberOrphans(keys: string[], seenAt: Date): Promise<void> {
    await this.#em.execute(
      `insert into orphans as o (key, first_seen_at, last_seen_at)
       select distinct value, ?::timestamptz, ?::timestamptz from jsonb_array_elements_text(?::jsonb)
       on conflict (key) do update set last_seen_at = greatest(o.last_seen_at, excluded.last_seen_at)`,
      [seenAt, seenAt, JSON.stringify(keys)],
    );
  }

  /** Of the keys given, those that a pass has seen as orphans at a time or before. */
  async orphansFirstSeenBy(keys: string[], firstSeenBy: Date): Promise<string[]> {
    const rows = await this.#em.execute<{ key: string }[]>(
      'select key from orphans where key in (?) and first_seen_at <= ? order by key',
      [keys, firstSeenBy],
    );
    return rows.map((row) => row.key);
  }

  /** Forgets what a whole pass has not seen again: it is gone, or a row speaks of it. */
  async forgetOrphansUnseenSince(seenAt: Date): Promise<void> {
    await this.#em.execute('delete from orphans where last_seen_at < ?', [seenAt]);
  }

  async forgetOrphan(key: string): Promise<void> {
    await this.#em.execute('delete from orphans where key = ?', [key]);
  }

  /** Orphans that are due for removal, in pages by key. */
  async listDueOrphans({ seenAt, firstSeenBy }: DueOrphans, afterKey: string | null): Promise<string[]> {
    const rows = await this.#em.execute<{ key: string }[]>(
      `select key from orphans where last_seen_at >= ? and first_seen_at <= ? and (?::text is null or key > ?::text)
       order by key limit ${PAGE}`,
      [seenAt, firstSeenBy, afterKey, afterKey],
    );
    return rows.map((row) => row.key);
  }

  /** How many rows of uploads that ended long ago are still kept. */
  async countEnded(): Promise<{ uploads: number; segments: number }> {
    return { uploads: await this.#count(ENDED_UPLOADS), segments: await this.#count(ENDED_SEGMENTS) };
  }

  /** Removes them, some thousands at a time. @returns how many; 0 of both when there are no more */
  async removeEnded(): Promise<{ uploads: number; segments: number }> {
    const segments = await this.#remove('upload_segments', `select s.id ${ENDED_SEGMENTS} limit ${BATCH}`);
    const uploads = await this.#remove('uploads', `select u.id ${ENDED_UPLOADS} limit ${BATCH}`);
    return { uploads, segments };
  }

  /** How many counters of rate limits have run out. */
  countRateLimits(nowMs: number): Promise<number> {
    return this.#em.count(RateLimit, { expire: { $lt: nowMs } });
  }

  /** Removes them. @returns how many */
  removeRateLimits(nowMs: number): Promise<number> {
    return this.#em.nativeDelete(RateLimit, { expire: { $lt: nowMs } });
  }

  /** Removes secrets of webhooks that sign no more. */
  async removeExpiredSecrets(): Promise<void> {
    await this.#em.execute('delete from webhook_secrets where expires_at <= now()');
  }

  /** Addresses of sources as older versions kept them: not sealed. Some at a time. */
  listPlainSources(): Promise<{ id: string; url: string }[]> {
    return this.#em.execute<{ id: string; url: string }[]>(
      `select id, source_url as url from videos where source_url !~ '^sealed[0-9]+\\.' limit ${PAGE}`,
    );
  }

  /** Keeps such an address sealed, unless it was fetched meanwhile. */
  async keepSealed({ id, url }: { id: string; url: string }, sealed: string): Promise<void> {
    await this.#em.execute('update videos set source_url = ? where id = ? and source_url = ?', [
      sealed,
      id,
      url,
    ]);
  }

  async #count(of: string, parameters: unknown[] = []): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(
      `select count(*)::int as count ${of}`,
      parameters,
    );
    return row?.count ?? 0;
  }

  async #remove(table: string, ids: string): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(
      `with gone as (delete from ${table} where id in (${ids}) returning id) select count(*)::int as count from gone`,
    );
    return row?.count ?? 0;
  }
}
