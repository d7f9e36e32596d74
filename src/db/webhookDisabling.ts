import { type FilterQuery, LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { DisabledReason } from '../domain/webhook.ts';
import { Webhook } from './entities/webhook.ts';

const BATCH = 5000;

/** Gives a webhook, and keeps it as it is until the transaction ends; null when there is none. */
export const holdWebhook = (tx: EntityManager, which: FilterQuery<Webhook>): Promise<Webhook | null> =>
  tx.findOne(Webhook, which, { lockMode: LockMode.PESSIMISTIC_WRITE });

/**
 * Disables a webhook that is held: nobody is at it any more, and nothing new is begun. What is on its way is given up by
 * `cancelDeliveries`, after that was committed. Pings are asked for one by one, and go on.
 *
 * @param reason null when its owner does it
 */
export function disableWebhook(row: Webhook, reason: DisabledReason | null): void {
  const now = new Date();
  const disabled = { isEnabled: false, disabledReason: reason, disabledAt: now, updatedAt: now };
  Object.assign(row, { ...disabled, attendedBy: null, attendedUntil: null });
}

/**
 * Gives up what is on its way to a webhook, unless it is enabled. There may be more than one statement has time for, so
 * it is done in parts, each of its own where there is no transaction: nobody waits long who writes down what came of an
 * attempt there, with what came of others. The webhook is held by each, as by all who change deliveries.
 */
export async function cancelDeliveries(em: EntityManager, webhookId: string): Promise<void> {
  for (let cancelled = BATCH; cancelled === BATCH; ) {
    const rows = await em.execute<{ id: string }[]>(CANCEL, [webhookId]);
    cancelled = rows.length;
  }
}

const CANCEL = `with held as materialized (
    select id from webhooks where id = ? and not is_enabled for no key update),
  going as (
    select d.id from held cross join lateral (
      select d.id from webhook_deliveries d
      where d.webhook_id = held.id and d.kind = 'event' and d.state = 'pending' limit ${BATCH}) d)
  update webhook_deliveries d set state = 'cancelled', next_attempt_at = null, ended_at = now()
  from going where d.id = going.id and d.state = 'pending' returning d.id`;
