import { createHmac, randomUUID } from 'node:crypto';
import type { Context } from 'koa';
import type { RingKey } from '../config.ts';
import type { StoredAnswer } from '../db/entities/idempotencyKey.ts';
import type { KeyState } from '../db/idempotency.ts';
import type { Db, Queries } from '../db/index.ts';
import { HttpProblem, invalidRequest } from './problem.ts';
import type { Idempotency, Reply } from './route.ts';

const RENEW_MS = 10_000;
/** Printable ASCII: what a header carries unharmed, and what a log line may show. */
const KEY = /^[\x20-\x7e]{1,255}$/;

interface CallOptions {
  db: Db;
  signingKeys: readonly RingKey[];
  userId: string;
  /** Method and path pattern. */
  route: string;
  /** What is known before the body: method, path and query. */
  address: unknown;
  key: string;
  /** Whether the client still waits for the answer. */
  isAwaited: () => boolean;
}

/** Gives the request's key, or null. @throws HttpProblem `invalid_request` */
export function readIdempotencyKey(ctx: Context): string | null {
  const key = ctx.get('Idempotency-Key');
  if (!key) return null;
  if (KEY.test(key)) return key;
  throw invalidRequest([{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }]);
}

/** Serves requests that bring no key: there is nothing to remember. */
export const withoutKey = (db: Db): Idempotency => ({
  isAnswered: false,
  begunId: null,
  identify: async () => null,
  accept: (work) => db.transaction(work),
  commit: (work) => db.transaction(work),
});

/**
 * One request with a key. It holds a lease from its beginning, renews it while its client waits, and ends
 * in one of three ways: `commit` stores the answer with the writes, `refuse` stores a refusal that will
 * not change, `release` forgets everything but what was accepted meanwhile.
 */
export class IdempotentCall implements Idempotency {
  readonly #options: CallOptions;
  readonly #holder = randomUUID();
  #state: KeyState | undefined;
  #fingerprint: string | undefined;
  #isSettled = false;
  #renewal: NodeJS.Timeout | undefined;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  /** Takes the lease, or finds the first answer. @throws HttpProblem `idempotency_in_progress` */
  async begin(): Promise<void> {
    const { db, userId, route, key, isAwaited } = this.#options;
    const state = await db.idempotency.begin({ userId, route, key, holder: this.#holder });
    if (state.state === 'busy') throw inProgress(state.retryAfterSec);
    this.#state = state;
    if (state.state !== 'leased') return;
    const renew = () => {
      // Whatever became of a request that nobody waits for, its key is free again when the lease is over.
      if (!isAwaited()) clearInterval(this.#renewal);
      else void db.idempotency.renew(state.id, this.#holder).catch(() => false);
    };
    // A renewal that fails is tried again; whether the lease was lost, `commit` asks the database.
    this.#renewal = setInterval(renew, RENEW_MS).unref();
  }

  get isAnswered(): boolean {
    return this.#state?.state === 'answered';
  }

  get begunId(): string | null {
    return this.#state?.state === 'leased' ? (this.#state.begun?.objectId ?? null) : null;
  }

  async identify(parts: unknown): Promise<Reply | null> {
    const state = this.#state;
    if (state?.state !== 'answered') {
      if (state?.state === 'leased' && state.begun) this.#assertSame(parts, state.begun.fingerprint);
      this.#fingerprint = this.#sign(parts, this.#options.signingKeys[0]);
      return null;
    }
    this.#assertSame(parts, state.fingerprint);
    return toReply(state.answer, state.objectId);
  }

  /** @throws HttpProblem `idempotency_key_reused` when this is not the request that the key was used for */
  #assertSame(parts: unknown, fingerprint: string): void {
    const keyId = fingerprint.split('.')[0];
    const signingKey = this.#options.signingKeys.find((known) => known.id === keyId);
    if (this.#sign(parts, signingKey) !== fingerprint) throw new HttpProblem('idempotency_key_reused');
  }

  accept(work: (queries: Queries) => Promise<string>): Promise<string> {
    return this.#inLease(async (queries, id, fingerprint) => {
      const objectId = await work(queries);
      await queries.idempotency.noteBegun(id, { objectId, fingerprint });
      return objectId;
    });
  }

  commit(work: (queries: Queries) => Promise<Reply>): Promise<Reply> {
    return this.#settle(work);
  }

  /** Keeps the answer of a handler that had nothing to write. */
  async remember(reply: Reply): Promise<void> {
    if (this.#isHeld()) await this.#settle(async () => reply);
  }

  /** Keeps a refusal, when it would be the same the next time and the request is known; else lets go. */
  async refuse(refusal: Reply, isFinal: boolean): Promise<void> {
    if (!this.#isHeld()) return;
    if (isFinal && this.#fingerprint !== undefined) await this.#settle(async () => refusal);
    else await this.release();
  }

  /** Ends the lease if it still runs, so that the next request with this key may try at once. */
  async release(): Promise<void> {
    clearInterval(this.#renewal);
    if (this.#state?.state !== 'leased' || this.#isSettled) return;
    await this.#options.db.idempotency.release(this.#state.id, this.#holder);
  }

  #isHeld(): boolean {
    return this.#state?.state === 'leased' && !this.#isSettled;
  }

  async #settle(work: (queries: Queries) => Promise<Reply>): Promise<Reply> {
    const reply = await this.#inLease(async (queries, id, fingerprint) => {
      const answered = await work(queries);
      const objectId = answered.objectId ?? null;
      await queries.idempotency.settle(id, { fingerprint, answer: toAnswer(answered), objectId });
      return answered;
    });
    this.#isSettled = true;
    clearInterval(this.#renewal);
    return reply;
  }

  /** Works in a transaction that nobody can take the lease in. */
  async #inLease<Result>(
    work: (queries: Queries, id: string, fingerprint: string) => Promise<Result>,
  ): Promise<Result> {
    const fingerprint = this.#fingerprint;
    if (this.#state?.state !== 'leased' || fingerprint === undefined) {
      throw new Error('A request must be identified, and not be a repetition, before it is committed');
    }
    const { id } = this.#state;
    return this.#options.db.transaction(async (queries) => {
      if (!(await queries.idempotency.lock(id, this.#holder))) throw inProgress(1);
      return work(queries, id, fingerprint);
    });
  }

  /**
   * Signed, not only hashed: a body may hold a password, and a plain hash of it in the database could be
   * guessed at a billion tries a second.
   */
  #sign(parts: unknown, key: RingKey | undefined): string {
    if (!key) return '';
    const text = JSON.stringify([this.#options.address, parts]);
    return `${key.id}.${createHmac('sha256', key.bytes).update(`idempotency\n${text}`).digest('hex')}`;
  }
}

const inProgress = (retryAfterSec: number): HttpProblem =>
  new HttpProblem('idempotency_in_progress', undefined, {
    headers: { 'Retry-After': String(retryAfterSec) },
  });

function toAnswer(reply: Reply): StoredAnswer {
  const body = reply.storedBody === undefined ? reply.body : reply.storedBody;
  return {
    status: reply.status,
    headers: reply.headers ?? {},
    body: body === undefined ? null : JSON.stringify(body),
  };
}

function toReply({ status, headers, body }: StoredAnswer, objectId: string | null): Reply {
  return {
    status,
    headers: { ...headers, 'Idempotency-Replayed': 'true' },
    ...(body === null ? {} : { body: JSON.parse(body) }),
    ...(objectId === null ? {} : { objectId }),
  };
}
