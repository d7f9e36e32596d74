import { Context } from '@temporalio/activity';
import type { WebhookToTell } from '../src/db/webhookNews.ts';
import { PINGING_SEC } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';

/** Also for the time between a ping's row and its work. */
const LOST_PING_MS = 2 * PINGING_SEC * 1000;

/**
 * Tells the engine again of webhooks that lag behind or have overdue deliveries while nobody is at them: it was perhaps
 * never told, or their workflow was ended, or waits for something later. One that is open only looks once more. Pings
 * that nobody is at any more have failed.
 */
export async function repeatWebhooks({ db, flows }: ActivityDeps): Promise<void> {
  await db.webhookDeliveries.endLostPings(new Date(Date.now() - LOST_PING_MS));
  for await (const webhooks of pages((after) => db.webhookNews.listUnattended(after), idOf)) {
    for (const webhook of webhooks) {
      if (await flows.deliverWebhook(webhook)) await db.webhookNews.noteTold(webhook.webhookId);
      Context.current().heartbeat();
    }
  }
}

const idOf = ({ webhookId }: WebhookToTell): string => webhookId;
