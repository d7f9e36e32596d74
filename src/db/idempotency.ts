import type { EntityManager } from '@mikro-orm/postgresql';
import { IdempotencyKey, type StoredAnswer } from './entities/idempotencyKey.ts';
import { newId } from './ids.ts';

const LEASE_SEC = 30;
const KEPT_DAYS = 7;

export interface KeyOfRequest {
  userId: string;
  route: string;
  key: string;
  /** A random name of this one request. */
  holder: string;
}

export interface AnsweredKey {
  state: 'answered';
  fingerprint: string;
  answer: StoredAnswer;
  objectId: string | null;
}

export type KeyState =
  | { state: 'leased'; id: string }
  | { state: 'busy'; retryAfterSec: number }
  | AnsweredKey;

interface KeyRow {
  fingerprint: string | null;
  answer: StoredAnswer | null;
  objectId: string | null;
  leftSec: number;
}

/** Keys of requests: a lease while one runs, its answer afterwards. All times are the database's. */
export class IdempotencyQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Takes the lease of a new key, of one whose holder died, or of one that is too old to be kept. */
  async begin(request: KeyOfRequest): Promise<KeyState> {
    // The row may vanish between the two statements, when its holder gives up: then it is free.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const id = await this.#take(request);
      if (id) return { state: 'leased', id };
      const row = await this.#read(request);
      if (row?.answer)
        return { state: 'answered', ...row, answer: row.answer, fingerprint: row.fingerprint ?? '' };
      if (row) return { state: 'busy', retryAfterSec: Math.max(1, Math.ceil(row.leftSec)) };
    }
    return { state: 'busy', retryAfterSec: 1 };
  }

  async #take({ userId, route, key, holder }: KeyOfRequest): Promise<string | null> {
    const rows = await this.#em.execute<{ id: string }[]>(
      `insert into idempotency_keys as k (id, user_id, route, key, holder, lease_until, created_at)
       values (?, ?, ?, ?, ?, now() + interval '${LEASE_SEC} seconds', now())
       on conflict (user_id, route, key) do update
         set holder = excluded.holder, lease_until = excluded.lease_until, created_at = excluded.created_at,
             fingerprint = null, answer = null, object_id = null
         where (k.answer is null and k.lease_until < now()) or k.created_at < now() - interval '${KEPT_DAYS} days'
       returning id`,
      [newId(), userId, route, key, holder],
    );
    return rows[0]?.id ?? null;
  }

  async #read({ userId, route, key }: KeyOfRequest): Promise<KeyRow | null> {
    const [row] = await this.#em.execute<KeyRow[]>(
      `select fingerprint, answer, object_id as "objectId",
              extract(epoch from lease_until - now())::float as "leftSec"
       from idempotency_keys where user_id = ? and route = ? and key = ?`,
      [userId, route, key],
    );
    return row ?? null;
  }

  /** Holds the lease for another 30 s; false when another request has taken it. */
  async renew(id: string, holder: string): Promise<boolean> {
    const rows = await this.#em.execute<unknown[]>(
      `update idempotency_keys set lease_until = now() + interval '${LEASE_SEC} seconds'
       where id = ? and holder = ? and answer is null returning id`,
      [id, holder],
    );
    return rows.length === 1;
  }

  /** In a transaction: makes sure that nobody can take the lease before it ends. False when it is lost. */
  async lock(id: string, holder: string): Promise<boolean> {
    const rows = await this.#em.execute<unknown[]>(
      'select id from idempotency_keys where id = ? and holder = ? and answer is null for update',
      [id, holder],
    );
    return rows.length === 1;
  }

  /** Keeps the answer; the lease is over. */
  async settle(
    id: string,
    kept: { fingerprint: string; answer: StoredAnswer; objectId: string | null },
  ): Promise<void> {
    await this.#em.nativeUpdate(IdempotencyKey, { id }, kept);
  }

  /** Forgets a request that came to nothing, so that the next one may try. */
  async release(id: string, holder: string): Promise<void> {
    await this.#em.nativeDelete(IdempotencyKey, { id, holder, answer: null });
  }

  /** How many keys have been kept for their seven days. */
  countExpired(): Promise<number> {
    return this.#em.count(IdempotencyKey, keptLongEnough());
  }

  /** Removes them. @returns how many */
  removeExpired(): Promise<number> {
    return this.#em.nativeDelete(IdempotencyKey, keptLongEnough());
  }
}

const keptLongEnough = () => ({
  createdAt: { $lt: new Date(Date.now() - KEPT_DAYS * 24 * 3600 * 1000) },
});
