import assert from 'node:assert/strict';
import { attemptsOf, createDeliveries, type Deliveries } from '../support/delivering.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';

describe('deliveries to webhooks', () => {
  let engine: TestEngine;
  let receiver: WebhookReceiver;
  let deliveries: Deliveries;

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine({
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
      WORKER_QUEUES: 'workflows,notify',
      WEBHOOK_RETRY_SEC: '0.3,0.5,0.7,0.9,1.1',
      WEBHOOK_TIMEOUT_SEC: '2',
      RECONCILE_INTERVAL_SEC: '2',
    });
    [deliveries, receiver] = await Promise.all([createDeliveries(engine), startWebhookReceiver()]);
    engine.startWorker();
  });

  after(async () => {
    await receiver.close();
    await deliveries.close();
    await engine.close();
  });

  it('delivers each event once, as the feed has it', async function () {
    this.timeout(40_000);
    const webhook = await deliveries.addWebhook(receiver.url('/well'));
    const ids = await deliveries.tell(10);
    const log = await deliveries.untilEnded(webhook, 10, 30_000);
    assert.deepEqual(
      log.map(({ eventId }) => eventId),
      ids,
    );
    assert.deepEqual(
      receiver
        .at('/well')
        .map(({ headers }) => headers['webhook-id'])
        .sort(),
      ids,
    );
    assert.deepEqual(attemptsOf(log[0] as never), [204]);
  });
});
