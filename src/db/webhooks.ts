import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Feed } from './entities/feed.ts';
import { User } from './entities/user.ts';
import { Webhook } from './entities/webhook.ts';
import { WebhookSecret } from './entities/webhookSecret.ts';
import { QuotaExceededError, UploadQueries } from './uploads.ts';
import type { Page } from './videos.ts';
import { cancelDeliveries, disableWebhook, holdWebhook } from './webhookDisabling.ts';

/** A secret in the form in which it is kept: sealed, and tied to its id. */
export interface SealedSecret {
  id: string;
  sealed: string;
}

export interface NewWebhook {
  id: string;
  userId: string;
  /** Sealed, and tied to the id. */
  sealedUrl: string;
  types: string[];
  description: string | null;
  isEnabled: boolean;
  secret: SealedSecret;
}

/** What its owner changes; what is left out stays. */
export interface WebhookChanges {
  sealedUrl?: string;
  types?: string[];
  description?: string | null;
  isEnabled?: boolean;
}

/** What became of a rotation; `too_many`: as many secrets sign already as may at once. */
export type Rotation =
  | { outcome: 'rotated'; secret: WebhookSecret }
  | { outcome: 'not_found' }
  | { outcome: 'too_many'; endsAt: Date };

const BATCH = 5000;

/** Each is a signature in every request. */
export const MAX_LIVE_SECRETS = 3;

/** Webhooks, for their owners; `userId` is always the owner's, so another's row is never found. */
export class WebhookQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Makes a webhook that is told of what happens from now on. Call it in a transaction.
   *
   * @throws QuotaExceededError
   */
  async insert({ userId, secret, ...columns }: NewWebhook, maxWebhooks: number): Promise<Webhook> {
    await new UploadQueries(this.#em).holdUser(userId);
    const count = await this.#em.count(Webhook, { user: userId });
    if (count >= maxWebhooks)
      throw new QuotaExceededError(`There are ${count} webhooks already; remove one of them first`);
    const row = this.#em.create(Webhook, {
      ...columns,
      ...(await presentPosition(this.#em, userId)),
      user: this.#em.getReference(User, userId),
      disabledAt: columns.isEnabled ? null : new Date(),
    } as RequiredEntityData<Webhook>);
    row.secrets.add(
      this.#em.create(WebhookSecret, { ...secret, webhook: row } as RequiredEntityData<WebhookSecret>),
    );
    await this.#em.flush();
    return row;
  }

  find(userId: string, id: string): Promise<Webhook | null> {
    return this.#em.findOne(Webhook, { id, user: userId }, { populate: ['secrets'] });
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(userId: string, page: Page): Promise<Webhook[]> {
    const before = page.beforeId ? { id: { $lt: page.beforeId } } : {};
    return this.#em.find(
      Webhook,
      { user: userId, ...before },
      { orderBy: { id: 'desc' }, limit: page.limit + 1, populate: ['secrets'] },
    );
  }

  /**
   * Changes what its owner may change; null when there is no such webhook. What was on its way when it was disabled stays
   * given up: had that been cut off, it is done before it is enabled. Call it outside of a transaction.
   */
  async change(userId: string, id: string, changes: WebhookChanges): Promise<Webhook | null> {
    if (changes.isEnabled === true && (await this.#isOwned(userId, id))) await cancelDeliveries(this.#em, id);
    const row = await this.#change(userId, id, changes);
    if (row && changes.isEnabled === false) await cancelDeliveries(this.#em, id);
    return row;
  }

  async #isOwned(userId: string, id: string): Promise<boolean> {
    return (await this.#em.count(Webhook, { id, user: userId })) === 1;
  }

  #change(userId: string, id: string, { isEnabled, ...changes }: WebhookChanges): Promise<Webhook | null> {
    return this.#em.transactional(async (tx) => {
      const row = await holdWebhook(tx, { id, user: userId });
      if (!row) return null;
      tx.assign(row, { ...changes, updatedAt: new Date() });
      // How long it has been failing was said of another address.
      if (changes.sealedUrl !== undefined) row.failingSince = null;
      if (isEnabled === true && !row.isEnabled) await enable(tx, row);
      if (isEnabled === false && row.isEnabled) disableWebhook(row, null);
      await tx.flush();
      await tx.populate(row, ['secrets']);
      return row;
    });
  }

  /**
   * Removes it with its secrets and the log of its deliveries. The log of a month may be more than one statement has
   * time for, so it goes first, in parts: what is cut off meanwhile leaves a webhook that its owner has disabled, to be
   * removed again. Call it outside of a transaction. False when the user has no such webhook.
   */
  async remove(userId: string, id: string): Promise<boolean> {
    const owned = { id, user: userId };
    if ((await this.change(userId, id, { isEnabled: false })) === null) return false;
    for (let removed = BATCH; removed === BATCH; ) {
      const rows = await this.#em.execute<{ id: string }[]>(
        // Held first, as by all who change what is on its way there.
        `with held as materialized (select id from webhooks where id = ? for no key update),
           going as (select d.id from held cross join lateral (
             select d.id from webhook_deliveries d where d.webhook_id = held.id limit ${BATCH}) d)
         delete from webhook_deliveries d using going where d.id = going.id returning d.id`,
        [id],
      );
      removed = rows.length;
    }
    return (await this.#em.nativeDelete(Webhook, owned)) === 1;
  }

  /**
   * Gives it a new secret. Those before it go on signing until the overlap is over, or until their own end where that
   * comes first; without an overlap they are gone at once, which is what a secret that leaked needs.
   */
  rotate(userId: string, id: string, next: SealedSecret, overlapSec: number): Promise<Rotation> {
    return this.#em.transactional(async (tx) => {
      const row = await holdWebhook(tx, { id, user: userId });
      if (!row) return { outcome: 'not_found' };
      const secrets = await tx.find(WebhookSecret, { webhook: id });
      const nowMs = Date.now();
      const overlapEndMs = nowMs + overlapSec * 1000;
      const endMs = ({ expiresAt }: WebhookSecret) =>
        Math.min(expiresAt?.getTime() ?? overlapEndMs, overlapEndMs);
      const live = secrets.filter((secret) => endMs(secret) > nowMs);
      if (live.length >= MAX_LIVE_SECRETS)
        return { outcome: 'too_many', endsAt: new Date(Math.min(...live.map(endMs))) };
      for (const secret of secrets) {
        if (live.includes(secret)) secret.expiresAt = new Date(endMs(secret));
        else tx.remove(secret);
      }
      const secret = tx.create(WebhookSecret, { ...next, webhook: row } as RequiredEntityData<WebhookSecret>);
      row.updatedAt = new Date();
      await tx.flush();
      return { outcome: 'rotated', secret };
    });
  }
}

/** Where the user's feed is now: what happened before is not told. */
async function presentPosition(em: EntityManager, userId: string) {
  const feed = await em.findOne(Feed, { user: userId }, { refresh: true });
  const sequence = feed?.lastSequence ?? 0;
  return { cursorSequence: sequence, toldSequence: sequence, toldAt: null };
}

async function enable(tx: EntityManager, row: Webhook): Promise<void> {
  // Nothing, but for what was given up by nobody until now.
  await cancelDeliveries(tx, row.id);
  const cleared = { disabledReason: null, disabledAt: null, failingSince: null };
  tx.assign(row, { isEnabled: true, ...cleared, ...(await presentPosition(tx, row.user.id)) });
}
