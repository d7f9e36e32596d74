import { type FilterQuery, LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type DeliveryState, PING_TYPE } from '../domain/webhook.ts';
import { Event } from './entities/event.ts';
import { Webhook } from './entities/webhook.ts';
import { WebhookDelivery } from './entities/webhookDelivery.ts';
import { newId } from './ids.ts';
import { EVENTS_CHANNEL } from './listener.ts';
import type { Page } from './videos.ts';

export interface DeliveryFilter {
  state?: DeliveryState;
  type?: string;
}

/** Which delivery of whose webhook. */
export interface DeliveryKey {
  userId: string;
  webhookId: string;
  id: string;
}

/** What a resend was answered in the database, before the engine is told. */
export type Resend =
  | { outcome: 'accepted'; delivery: WebhookDelivery }
  | { outcome: 'not_found' | 'disabled' | 'is_ping' | 'event_gone' };

const WITH_LOG = ['log'] as const;

/** The log of deliveries, for the owners of webhooks; `userId` is always the owner's, so another's row is never found. */
export class WebhookDeliveryQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Those of one webhook with their attempts, in the order of what they tell, newest first: ids of events sort by time,
   * and have an index here. The page goes by them; one more than `limit` rows tells that there is a next one.
   */
  list(userId: string, webhookId: string, filter: DeliveryFilter, page: Page): Promise<WebhookDelivery[]> {
    const conditions: FilterQuery<WebhookDelivery> = {
      ...filter,
      webhook: { id: webhookId, user: userId },
      ...(page.beforeId ? { eventId: { $lt: page.beforeId } } : {}),
    };
    return this.#em.find(WebhookDelivery, conditions, {
      orderBy: { eventId: 'desc' },
      limit: page.limit + 1,
      populate: WITH_LOG,
      strategy: 'select-in',
    });
  }

  find({ userId, webhookId, id }: DeliveryKey): Promise<WebhookDelivery | null> {
    return this.#em.findOne(
      WebhookDelivery,
      { id, webhook: { id: webhookId, user: userId } },
      { populate: WITH_LOG, strategy: 'select-in', refresh: true },
    );
  }

  /** Makes a delivery due now, whatever became of it before, with a whole schedule ahead. */
  requestResend(key: DeliveryKey): Promise<Resend> {
    return this.#em.transactional(async (tx) => {
      // Held first, as by those who disable it: what they cancel does not come back.
      const owned = { id: key.webhookId, user: key.userId };
      const webhook = await tx.findOne(Webhook, owned, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!webhook) return { outcome: 'not_found' };
      const delivery = await tx.findOne(
        WebhookDelivery,
        { id: key.id, webhook: key.webhookId },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      if (!delivery) return { outcome: 'not_found' };
      if (delivery.kind === 'ping') return { outcome: 'is_ping' };
      if (!webhook.isEnabled) return { outcome: 'disabled' };
      if ((await tx.count(Event, { id: delivery.eventId })) === 0) return { outcome: 'event_gone' };
      tx.assign(delivery, {
        state: 'pending',
        scheduleAttempts: 0,
        nextAttemptAt: new Date(),
        endedAt: null,
      });
      await tx.flush();
      // Whoever is at the webhook already listens for news of its user's, and is not asked by the engine.
      await tx.execute('select pg_notify(?, ?)', [EVENTS_CHANNEL, key.userId]);
      await tx.populate(delivery, WITH_LOG);
      return { outcome: 'accepted', delivery };
    });
  }

  /**
   * Makes the row of a ping, which is sent by who asks for it and is never due. Call it in a transaction.
   *
   * @returns its id; null when the user has no such webhook
   */
  async insertPing(userId: string, webhookId: string): Promise<string | null> {
    const owned = { id: webhookId, user: userId };
    const webhook = await this.#em.findOne(Webhook, owned, { lockMode: LockMode.PESSIMISTIC_READ });
    if (!webhook) return null;
    const row = this.#em.create(WebhookDelivery, {
      webhook,
      kind: 'ping',
      eventId: newId(),
      type: PING_TYPE,
    } as RequiredEntityData<WebhookDelivery>);
    await this.#em.flush();
    return row.id;
  }

  /** Removes a ping that nobody has begun to send. @returns whether it was one */
  async withdrawPing(id: string): Promise<boolean> {
    const unsent = { id, kind: 'ping', state: 'pending', attempts: 0 } as const;
    return (await this.#em.nativeDelete(WebhookDelivery, unsent)) === 1;
  }

  /** Ends a ping whose work is over without a word: it may have been sent. */
  async abandonPing(id: string): Promise<void> {
    if (await this.withdrawPing(id)) return;
    const ended = { state: 'failed', endedAt: new Date() } as const;
    await this.#em.nativeUpdate(WebhookDelivery, { id, kind: 'ping', state: 'pending' }, ended);
  }

  /** Ends the pings of before a moment that nobody has ended: their work is over by then. */
  async endLostPings(before: Date): Promise<void> {
    await this.#em.execute(
      `update webhook_deliveries set state = 'failed', ended_at = now()
       where state = 'pending' and next_attempt_at is null and kind = 'ping' and created_at < ?`,
      [before],
    );
  }
}
