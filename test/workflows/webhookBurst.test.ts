import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { createDeliveries, type Deliveries } from '../support/delivering.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { waitFor } from '../support/stack.ts';

const WEBHOOKS = 40;
const EVENTS = 10;
const P95_MS = 5000;
const isHanging = (path: string) => Number(path.slice(1)) % 10 === 0;

/** A small one of what bench/webhooks.ts measures. */
describe('many webhooks, of which some hang', () => {
  let engine: TestEngine;
  let receiver: WebhookReceiver;
  let deliveries: Deliveries;

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine({ EGRESS_ALLOW_CIDRS: '127.0.0.0/8', WORKER_QUEUES: 'workflows,notify' });
    deliveries = await createDeliveries(engine);
    receiver = await startWebhookReceiver();
    // Two, who must not both deliver the same.
    engine.startWorker();
    engine.startWorker();
    await waitFor(async () => (await engine.flows.health()).pollers.notify > 0, {
      what: 'a worker',
      timeoutMs: 50_000,
    });
  });
  after(async () => {
    await receiver?.close();
    await deliveries?.close();
    await engine?.close();
  });

  it('are delivered to at once where nobody hangs', async function () {
    this.timeout(60_000);
    receiver.behaveBy(({ path }) => (isHanging(path) ? { kind: 'hang' } : undefined));
    const users = [await engine.addUser(), await engine.addUser()];
    for (let at = 0; at < WEBHOOKS; at++)
      await deliveries.addWebhook(receiver.url(`/${at}`), { userId: users[at % 2] ?? '' });
    for (let at = 0; at < EVENTS; at++) {
      await Promise.all(users.map((userId) => deliveries.tell(1, { userId })));
      await delay(100);
    }
    const well = () => receiver.arrivals.filter(({ path }) => !isHanging(path));
    await waitFor(() => well().length >= WEBHOOKS * 0.9 * EVENTS, { what: 'all of them', timeoutMs: 30_000 });
    const lateMs = well().map(
      ({ receivedAt, body }) => receivedAt - Date.parse(JSON.parse(body.toString()).timestamp),
    );
    const p95 = lateMs.sort((a, b) => a - b)[Math.floor(lateMs.length * 0.95)] ?? 0;
    assert.ok(p95 < P95_MS, `${p95} ms`);
    assert.equal(
      new Set(well().map(({ path, headers }) => `${path} ${headers['webhook-id']}`)).size,
      well().length,
    );
  });
});
