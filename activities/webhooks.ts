import { Context } from '@temporalio/activity';
import type { DeliverWebhookInput, PingWebhookInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled } from './longWork.ts';
import type { WebhookRest } from './webhookDelivery.ts';

/** Seldom: each is a write of the engine's, and many webhooks are attended at once. */
const HEARTBEAT_MS = 8000;

/** What the workflows of webhooks ask for. Everything here may be repeated at any time. */
export function createWebhookActivities({ webhookDelivery }: Pick<ActivityDeps, 'webhookDelivery'>) {
  return {
    /** Delivers all that is new or due, and stays while there is news. */
    async deliverDue(webhook: DeliverWebhookInput): Promise<WebhookRest> {
      const context = Context.current();
      const pulse = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      try {
        const rest = await webhookDelivery.attend(webhook, { signal: context.cancellationSignal });
        endIfCancelled();
        return rest;
      } finally {
        clearInterval(pulse);
      }
    },

    sendPing: ({ deliveryId }: PingWebhookInput): Promise<void> => webhookDelivery.ping(deliveryId),
  };
}
