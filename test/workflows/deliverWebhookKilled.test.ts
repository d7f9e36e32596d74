import assert from 'node:assert/strict';
import { attemptsOf, createDeliveries, type Deliveries } from '../support/delivering.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { waitFor } from '../support/stack.ts';

const EVENTS = 30;

describe('deliveries when their worker is killed', () => {
  let engine: TestEngine;
  let receiver: WebhookReceiver;
  let deliveries: Deliveries;

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine({
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
      WORKER_QUEUES: 'workflows,notify',
      WEBHOOK_TIMEOUT_SEC: '2',
    });
    deliveries = await createDeliveries(engine);
    receiver = await startWebhookReceiver();
    engine.startWorker();
  });
  after(async () => {
    await receiver?.close();
    await deliveries?.close();
    await engine?.close();
  });

  it('all arrive under the ids that they had, and the log shows what was left without an answer', async function () {
    this.timeout(90_000);
    receiver.behaveBy(() => ({ kind: 'slow', ms: 200 }));
    const webhook = await deliveries.addWebhook(receiver.url('/hook'));
    const ids = await deliveries.tell(EVENTS);
    await waitFor(() => receiver.arrivals.length >= 10, { what: 'the first ones', timeoutMs: 40_000 });
    await engine.stopWorkers('SIGKILL');
    const before = receiver.arrivals.length;
    assert.ok(before < EVENTS);
    engine.startWorker();
    const log = await deliveries.untilEnded(webhook, EVENTS, 60_000);
    const came = receiver.arrivals.map(({ headers }) => String(headers['webhook-id']));
    assert.deepEqual([...new Set(came)].sort(), ids);
    assert.ok(came.length <= EVENTS + 4, 'only what was on its way came twice');
    assert.ok(log.every(({ state }) => state === 'succeeded'));
    const unanswered = log.map(attemptsOf).filter((attempts) => attempts.length > 1);
    assert.ok(unanswered.length > 0 && unanswered.length <= 4);
    for (const attempts of unanswered) assert.deepEqual(attempts, [null, 204]);
  });
});
