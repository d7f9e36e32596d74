import { Context } from '@temporalio/activity';
import type { WebhookToTell } from '../src/db/webhookNews.ts';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';

/**
 * Tells the engine again of webhooks that lag behind or have overdue deliveries while nobody is at them: it was perhaps
 * never told, or their workflow was ended, or waits for something later. One that is open only looks once more.
 */
export async function repeatWebhooks({ db, flows }: ActivityDeps): Promise<void> {
  for await (const webhooks of pages((after) => db.webhookNews.listUnattended(after), idOf)) {
    for (const webhook of webhooks) {
      if (await flows.deliverWebhook(webhook)) await db.webhookNews.noteTold(webhook.webhookId);
      Context.current().heartbeat();
    }
  }
}

const idOf = ({ webhookId }: WebhookToTell): string => webhookId;
