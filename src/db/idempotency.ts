import type { EntityManager } from '@mikro-orm/postgresql';
import { IdempotencyKey, type StoredAnswer } from './entities/idempotencyKey.ts';
import { newId } from './ids.ts';

const LEASE_SEC = 30;
const KEPT_DAYS = 7;
const IS_OLD = `k.created_at < now() - interval '${KEPT_DAYS} days'`;
const IS_BEGUN = `k.answer is null and not ${IS_OLD}`;

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

/** What an earlier request with the same key began, and did not live to answer for. */
export interface BegunWork {
  objectId: string;
  fingerprint: string;
}

export type KeyState =
  | { state: 'leased'; id: string; begun: BegunWork | null }
  | { state: 'busy'; retryAfterSec: number }
  | AnsweredKey;

interface KeyRow {
  id: string;
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
      const leased = await this.#take(request);
      if (leased) return { state: 'leased', ...leased };
      const row = await this.#read(request);
      if (row?.answer) {
        const { answer, fingerprint, objectId } = row;
        return { state: 'answered', answer, fingerprint: fingerprint ?? '', objectId };
      }
      if (row) return { state: 'busy', retryAfterSec: Math.max(1, Math.ceil(row.leftSec)) };
    }
    return { state: 'busy', retryAfterSec: 1 };
  }

  async #take({ userId, route, key, holder }: KeyOfRequest) {
    const [row] = await this.#em.execute<Pick<KeyRow, 'id' | 'objectId' | 'fingerprint'>[]>(
      `insert into idempotency_keys as k (id, user_id, route, key, holder, lease_until, created_at)
       values (?, ?, ?, ?, ?, now() + interval '${LEASE_SEC} seconds', now())
       on conflict (user_id, route, key) do update
         set holder = excluded.holder, lease_until = excluded.lease_until, created_at = excluded.created_at,
             fingerprint = case when ${IS_BEGUN} then k.fingerprint end, answer = null,
             object_id = case when ${IS_BEGUN} then k.object_id end
         where (k.answer is null and k.lease_until < now()) or ${IS_OLD}
       returning id, object_id as "objectId", fingerprint`,
      [newId(), userId, route, key, holder],
    );
    if (!row) return null;
    const { id, objectId, fingerprint } = row;
    return { id, begun: objectId && fingerprint ? { objectId, fingerprint } : null };
  }

  async #read({ userId, route, key }: KeyOfRequest): Promise<KeyRow | null> {
    const [row] = await this.#em.execute<KeyRow[]>(
      `select id, fingerprint, answer, object_id as "objectId",
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

  /** Remembers what the request works on, before there is an answer. The lease goes on. */
  async noteBegun(id: string, { objectId, fingerprint }: BegunWork): Promise<void> {
    await this.#em.nativeUpdate(IdempotencyKey, { id }, { objectId, fingerprint });
  }

  /** Forgets a request that came to nothing, so that the next one may try; one that began something finds it. */
  async release(id: string, holder: string): Promise<void> {
    await this.#em.nativeDelete(IdempotencyKey, { id, holder, answer: null, objectId: null });
    await this.#em.execute(
      'update idempotency_keys set lease_until = now() where id = ? and holder = ? and answer is null',
      [id, holder],
    );
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
