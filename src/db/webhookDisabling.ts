import { type FilterQuery, LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { DisabledReason } from '../domain/webhook.ts';
import { Webhook } from './entities/webhook.ts';

const BATCH = 5000;

/** Gives a webhook, and keeps it as it is until the transaction ends; null when there is none. */
export const holdWebhook = (tx: EntityManager, which: FilterQuery<Webhook>): Promise<Webhook | null> =>
  tx.findOne(Webhook, which, { lockMode: LockMode.PESSIMISTIC_WRITE });

/**
 * Disables a webhook that is held: nobody is at it any more, and what is on its way is given up. Pings are asked for one
 * by one, and go on.
 *
 * @param reason null when its owner does it
 */
export async function disableWebhook(
  tx: EntityManager,
  row: Webhook,
  reason: DisabledReason | null,
): Promise<void> {
  const now = new Date();
  const unattended = { attendedBy: null, attendedUntil: null };
  tx.assign(row, {
    ...{ isEnabled: false, disabledReason: reason, disabledAt: now, updatedAt: now },
    ...unattended,
  });
  await cancelDeliveries(tx, row.id);
}

/** In parts: there may be more than one statement has time for. */
async function cancelDeliveries(tx: EntityManager, webhookId: string): Promise<void> {
  for (let cancelled = BATCH; cancelled === BATCH; ) {
    const rows = await tx.execute<{ id: string }[]>(
      `update webhook_deliveries set state = 'cancelled', next_attempt_at = null, ended_at = now() where id in
         (select id from webhook_deliveries where webhook_id = ? and kind = 'event' and state = 'pending' limit ${BATCH})
       returning id`,
      [webhookId],
    );
    cancelled = rows.length;
  }
}
