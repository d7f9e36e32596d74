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

  it('are ended and written down by a worker that is to stop, which begins no more', async function () {
    this.timeout(30_000);
    receiver.behaveBy(() => ({ kind: 'slow', ms: 700 }));
    const before = receiver.arrivals.length;
    const webhook = await deliveries.addWebhook(receiver.url('/stopped'), { userId: await engine.addUser() });
    await deliveries.tell(12, webhook);
    await waitFor(() => receiver.at('/stopped').length >= 4, { what: 'the first ones' });
    await engine.stopWorkers('SIGTERM');
    const begun = (await deliveries.log(webhook)).map(attemptsOf).filter((attempts) => attempts.length > 0);
    assert.deepEqual(
      begun,
      begun.map(() => [204]),
    );
    assert.equal(begun.length, receiver.arrivals.length - before);
    assert.ok(begun.length < 12);
  });

  if (process.env.CAMPAIGN)
    it('are gone on with by another worker when theirs is frozen', async function () {
      this.timeout(120_000);
      const workers = [engine.startWorker(), engine.startWorker()];
      receiver.behaveBy(() => ({ kind: 'slow', ms: 300 }));
      const webhook = await deliveries.addWebhook(receiver.url('/frozen'), {
        userId: await engine.addUser(),
      });
      const came = () => receiver.at('/frozen').length;
      const goOn = (from: number, timeoutMs: number) =>
        waitFor(() => came() > from + 4, { what: 'more to come', timeoutMs }).then(
          () => true,
          () => false,
        );
      const ids = await deliveries.tell(60, webhook);
      assert.ok(await goOn(0, 30_000));
      for (const { pid } of workers) {
        process.kill(pid, 'SIGSTOP');
        // What is on its way is still heard of.
        const isOther = await goOn(came(), 3000);
        if (!isOther) {
          assert.ok(await goOn(came(), 17_000), 'as soon as its time has run out');
          process.kill(pid, 'SIGCONT');
          break;
        }
        process.kill(pid, 'SIGCONT');
      }
      const log = await deliveries.untilEnded(webhook, ids.length, 60_000);
      assert.ok(log.every(({ state }) => state === 'succeeded'));
      assert.ok(came() <= ids.length + 4, 'only what was on its way came twice');
    });
});
