import { deliverWebhookId, pingWebhookId } from '../../workflows/contract.ts';
import { createDeliveries, type MadeWebhook } from './delivering.ts';
import type { TestEngine } from './engine.ts';
import { broken } from './fakes/hookTrouble.ts';
import { startWebhookReceiver } from './fakes/webhookReceiver.ts';
import { waitFor } from './stack.ts';

/** Each way through the workflows of webhooks. */
export async function recordWebhooks(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const receiver = await startWebhookReceiver();
  const deliveries = await createDeliveries(engine);
  engine.startWorker({ WORKER_QUEUES: 'workflows,notify', WEBHOOK_RETRY_SEC: '12,12' });
  const handleOf = ({ id }: MadeWebhook) => engine.client.workflow.getHandle(deliverWebhookId(id));
  const tellOf = ({ id, userId }: MadeWebhook) => engine.flows.deliverWebhook({ webhookId: id, userId });
  const run = async (name: string, act: (webhook: MadeWebhook) => Promise<unknown>) => {
    const webhook = await deliveries.addWebhook(receiver.url(`/${name}`), { userId: await engine.addUser() });
    await act(webhook);
    await handleOf(webhook)
      .result()
      .catch(() => undefined);
    await save(`deliverWebhook-${name}`, deliverWebhookId(webhook.id));
  };
  /** Until the attempt has failed, and its workflow waits for the next one. */
  const untilItWaits = async (webhook: MadeWebhook, name: string) => {
    receiver.behave(`/${name}`, broken());
    await deliveries.tell(1, { userId: webhook.userId });
    const waits = async () =>
      (await handleOf(webhook).fetchHistory()).events?.some((event) => event.timerStartedEventAttributes) ??
      false;
    await waitFor(waits, { what: 'the wait for the next attempt', timeoutMs: 60_000 });
  };
  await run('quiet', tellOf);
  await run('waited', (webhook) => untilItWaits(webhook, 'waited'));
  await run('signalled', async (webhook) => {
    await untilItWaits(webhook, 'signalled');
    await tellOf(webhook);
  });
  await run('cancelled', async (webhook) => {
    await untilItWaits(webhook, 'cancelled');
    await handleOf(webhook).cancel();
  });
  await run('over', async (webhook) => {
    await engine.db.webhooks.change(webhook.userId, webhook.id, { isEnabled: false });
    await tellOf(webhook);
  });
  const { id: webhookId, userId } = await deliveries.addWebhook(receiver.url('/pinged'));
  const deliveryId = await engine.db.transaction(({ webhookDeliveries }) =>
    webhookDeliveries.insertPing(userId, webhookId),
  );
  await engine.flows.pingWebhook({ deliveryId: deliveryId ?? '', webhookId, userId });
  await save('pingWebhook', pingWebhookId(webhookId, deliveryId ?? ''));
  await engine.stopWorkers('SIGTERM');
  await deliveries.close();
  await receiver.close();
}
