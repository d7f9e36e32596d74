import assert from 'node:assert/strict';
import type { WebhookDelivery } from '../../src/db/entities/webhookDelivery.ts';
import { deliverWebhookId } from '../../workflows/contract.ts';
import { attemptsOf, createDeliveries, type Deliveries, type MadeWebhook } from '../support/delivering.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import type { Arrival } from '../support/fakes/hooks.ts';
import { broken, comeBackAfter, gone, leadingTo } from '../support/fakes/hookTrouble.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { waitFor } from '../support/stack.ts';
import { describeAttempts } from './webhookAttempts.ts';

/** The third wait is longer than anybody stays for: from there on the engine keeps the time. */
const RETRY_SEC = [0.3, 0.5, 6.5, 0.3, 0.3];
const TIMEOUT_SEC = 1;

describe('deliveries to webhooks', () => {
  let engine: TestEngine;
  let receiver: WebhookReceiver;
  /** One that is away for a while. */
  let away: WebhookReceiver;
  let deliveries: Deliveries;

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine({
      EGRESS_ALLOW_CIDRS: '127.0.0.0/9',
      WORKER_QUEUES: 'workflows,notify',
      WEBHOOK_RETRY_SEC: RETRY_SEC.join(','),
      WEBHOOK_TIMEOUT_SEC: String(TIMEOUT_SEC),
    });
    deliveries = await createDeliveries(engine);
    [receiver, away] = await Promise.all([startWebhookReceiver(), startWebhookReceiver()]);
    engine.startWorker();
  });
  after(async () => {
    await Promise.all([receiver?.close(), away?.close()]);
    await deliveries?.close();
    await engine?.close();
  });

  /** A webhook of a user of its own, so that it is told only of what its test lets happen. */
  async function make(path: string, types: string[] = []): Promise<MadeWebhook> {
    return deliveries.addWebhook(receiver.url(path), { userId: await engine.addUser(), types });
  }
  const tell = ({ userId }: MadeWebhook, count: number, type?: string) =>
    deliveries.tell(count, { userId, ...(type ? { type } : {}) });
  const came = (path: string) => receiver.at(path).map(({ headers }) => headers['webhook-id']);
  const stateOf = async ({ id }: MadeWebhook) =>
    (
      await deliveries.sql(
        'select is_enabled, disabled_reason, cursor_sequence from webhooks where id = $1',
        [id],
      )
    )[0];
  const disabledEvents = ({ userId }: MadeWebhook) =>
    deliveries.sql(`select * from events where user_id = $1 and type = 'webhook.disabled'`, [userId]);

  it('bring each event once, as the feed has it', async function () {
    this.timeout(30_000);
    const webhook = await make('/well');
    const ids = await tell(webhook, 10);
    const log = await deliveries.untilEnded(webhook, 10, 25_000);
    assert.deepEqual(
      log.map(({ eventId }) => eventId),
      ids,
    );
    assert.ok(log.every((delivery) => delivery.state === 'succeeded' && delivery.attempts === 1));
    assert.deepEqual(came('/well').sort(), ids);
    const [first] = receiver.at('/well');
    const body = JSON.parse(first?.body.toString() ?? '');
    assert.deepEqual(Object.keys(body), [
      'id',
      'sequence',
      'type',
      'created_at',
      'object',
      'data',
      'timestamp',
    ]);
    assert.equal(body.timestamp, body.created_at);
    const { 'content-type': type, 'user-agent': agent } = first?.headers ?? {};
    assert.deepEqual([type, agent], ['application/json', 'videoflow']);
  });

  it('are made of what was chosen, and of nothing else', async () => {
    const webhook = await make('/chosen', ['edit.*', 'video.failed']);
    const { id } = webhook;
    for (const type of ['video.ready', 'edit.queued', 'video.failed', 'step.running'])
      await tell(webhook, 1, type);
    const log = await deliveries.untilEnded(webhook, 2);
    assert.deepEqual(
      log.map(({ type }) => type),
      ['edit.queued', 'video.failed'],
    );
    await waitFor(async () => Number((await stateOf(webhook)).cursor_sequence) === 4, { what: 'the cursor' });
    assert.equal(
      (await deliveries.sql('select id from webhook_deliveries where webhook_id = $1', [id])).length,
      2,
    );
  });

  it('end with 410, which disables the webhook and is told', async () => {
    const webhook = await make('/gone');
    receiver.behave('/gone', gone(), gone(), gone(), gone());
    await tell(webhook, 8);
    await waitFor(async () => !(await stateOf(webhook)).is_enabled, { what: 'it to be disabled' });
    const log = await deliveries.untilEnded(webhook, 1);
    assert.ok(log.every(({ state }) => state === 'failed' || state === 'cancelled'));
    assert.ok(receiver.at('/gone').length <= 4);
    assert.equal((await stateOf(webhook)).disabled_reason, 'gone');
    const [told, ...more] = await waitFor(
      async () => (await disabledEvents(webhook)).length > 0 && disabledEvents(webhook),
      { what: 'the event' },
    );
    const { id, disabled_reason: reason } = told.data;
    assert.deepEqual({ id, reason }, { id: webhook.id, reason: 'gone' });
    assert.deepEqual(more, []);
  });

  it('wait for as long as the receiver asks', async () => {
    const webhook = await make('/busy');
    receiver.behave('/busy', comeBackAfter('1'), comeBackAfter('1', 503));
    const [id] = await tell(webhook, 1);
    const [delivery] = await deliveries.untilEnded(webhook, 1);
    assert.deepEqual(attemptsOf(delivery as WebhookDelivery), [429, 503, 204]);
    const [first, second, third] = receiver.at('/busy').map(({ receivedAt }) => receivedAt) as [
      number,
      number,
      number,
    ];
    assert.ok(second - first >= 1000 && second - first < 3000, `${second - first}`);
    assert.ok(third - second >= 1000 && third - second < 3000, `${third - second}`);
    assert.deepEqual(new Set(came('/busy')), new Set([id]));
    const stamps = receiver.at('/busy').map(({ headers }) => Number(headers['webhook-timestamp']));
    assert.ok((stamps[1] ?? 0) >= (stamps[0] ?? 0) + 1, 'fresh timestamps');
  });

  it('follow no redirect, read little of a giant answer, and keep the times of the schedule', async () => {
    const webhook = await make('/odd');
    receiver.behave('/odd', leadingTo(receiver.url('/elsewhere'), 307), {
      kind: 'giant',
      status: 500,
      sizeBytes: 64 * 1024 * 1024,
    });
    await tell(webhook, 1);
    const [delivery] = await deliveries.untilEnded(webhook, 1);
    assert.deepEqual(attemptsOf(delivery as WebhookDelivery), [307, 500, 204]);
    assert.equal(came('/elsewhere').length, 0);
    const log = (delivery as WebhookDelivery).log.getItems().sort((a, b) => a.number - b.number);
    assert.equal(log[1]?.response?.length, 1024);
    const times = log.map(({ startedAt }) => startedAt.getTime());
    const waits = times.slice(1).map((time, at) => (time - (times[at] ?? 0)) / 1000);
    for (const [at, wait] of waits.entries())
      assert.ok(wait >= (RETRY_SEC[at] ?? 0) && wait < (RETRY_SEC[at] ?? 0) + 1.5, `${waits}`);
  });

  it('are at most four at once, and one that hangs delays neither the next nor another webhook', async function () {
    this.timeout(30_000);
    const well = await make('/other');
    const { userId } = well;
    const slow = await deliveries.addWebhook(receiver.url('/slow'), { userId });
    await deliveries.addWebhook(receiver.url('/hanging'), { userId });
    receiver.behaveBy(({ path, index }) => {
      if (path === '/slow') return { kind: 'slow', ms: 100 };
      return path === '/hanging' && receiver.arrivals[index] ? { kind: 'hang' } : undefined;
    });
    await deliveries.tell(12, { userId });
    const toldAt = Date.now();
    await Promise.all([deliveries.untilEnded(well, 12), deliveries.untilEnded(slow, 12)]);
    assert.ok(Date.now() - toldAt < TIMEOUT_SEC * 1000 + 3000);
    assert.ok(Math.max(...receiver.at('/other').map(({ receivedAt }) => receivedAt)) - toldAt < 2000);
    const most = (path: string) =>
      Math.max(...receiver.at(path).map((one) => atOnce(receiver.at(path), one)));
    assert.equal(most('/slow'), 4);
    await waitFor(() => came('/hanging').length > 4, { what: 'more than the first four' });
    assert.ok(most('/hanging') <= 4);
    receiver.behaveBy(() => undefined);
  });

  it('stop when the webhook is disabled or removed meanwhile', async function () {
    this.timeout(20_000);
    const [disabled, removed] = [await make('/disabled'), await make('/removed')];
    receiver.behaveBy(() => ({ kind: 'slow', ms: 700 }));
    await Promise.all([tell(disabled, 8), tell(removed, 8)]);
    await waitFor(() => came('/disabled').length === 4 && came('/removed').length === 4, {
      what: 'the first',
    });
    await engine.db.webhooks.change(disabled.userId, disabled.id, { isEnabled: false });
    await engine.db.webhooks.remove(removed.userId, removed.id);
    const log = await deliveries.untilEnded(disabled, 8);
    assert.ok(log.every(({ state }) => state === 'cancelled'));
    await waitFor(async () => attemptsWithoutAnswer(await deliveries.log(disabled)) === 0, {
      what: 'the log',
    });
    assert.deepEqual([came('/disabled').length, came('/removed').length], [4, 4]);
    receiver.behaveBy(() => undefined);
  });

  it('disable a webhook that has failed for long, and often enough', async () => {
    const webhook = await make('/failing');
    receiver.behaveBy(({ path }) => (path === '/failing' ? broken() : undefined));
    const [id] = await tell(webhook, 1);
    await waitFor(() => came('/failing').length === 2, { what: 'two attempts' });
    assert.equal((await stateOf(webhook)).is_enabled, true);
    await deliveries.sql(`update webhooks set failing_since = now() - interval '6 days' where id = $1`, [
      webhook.id,
    ]);
    await waitFor(async () => !(await stateOf(webhook)).is_enabled, { what: 'it to be disabled' });
    assert.equal((await stateOf(webhook)).disabled_reason, 'failing');
    const [delivery] = await deliveries.untilEnded(webhook, 1);
    assert.deepEqual([delivery?.eventId, delivery?.state], [id, 'cancelled']);
    assert.equal((await disabledEvents(webhook)).length, 1);
    receiver.behaveBy(() => undefined);
  });

  it('are cancelled when their event is no longer kept', async () => {
    const webhook = await make('/expired');
    receiver.behave('/expired', broken());
    const [id] = await tell(webhook, 1);
    await waitFor(() => came('/expired').length === 1, { what: 'the first attempt' });
    await deliveries.sql('delete from events where id = $1', [id]);
    const [delivery] = await deliveries.untilEnded(webhook, 1);
    assert.equal(delivery?.state, 'cancelled');
    assert.deepEqual(attemptsOf(delivery as WebhookDelivery), [500]);
  });

  it('go on when an operator has ended their workflow', async function () {
    this.timeout(30_000);
    const webhook = await make('/ended');
    receiver.behave('/ended', broken(), broken(), broken());
    await tell(webhook, 1);
    const handle = engine.client.workflow.getHandle(deliverWebhookId(webhook.id));
    await waitFor(async () => (await handle.describe()).status.name === 'RUNNING', {
      what: 'its workflow',
      timeoutMs: 20_000,
    });
    await handle.terminate('a test');
    // As if the time had come, and somebody had been waited for in vain.
    await deliveries.sql(
      `update webhook_deliveries set next_attempt_at = now() - interval '11 seconds' where webhook_id = $1`,
      [webhook.id],
    );
    await deliveries.sql('update webhooks set attended_until = null where id = $1', [webhook.id]);
    const [delivery] = await deliveries.untilEnded(webhook, 1);
    assert.deepEqual(attemptsOf(delivery as WebhookDelivery), [500, 500, 500, 204]);
  });

  it('reach a receiver that was away, each once, and the log has every attempt', async function () {
    this.timeout(60_000);
    await away.goDown();
    const userId = await engine.addUser();
    const webhook = await deliveries.addWebhook(away.url('/away'), { userId });
    const ids = await deliveries.tell(4, { userId });
    await waitFor(
      async () => (await deliveries.log(webhook)).filter(({ attempts }) => attempts >= 3).length === 4,
      {
        what: 'three attempts at each',
        timeoutMs: 30_000,
      },
    );
    await away.comeBack();
    const log = await deliveries.untilEnded(webhook, 4, 30_000);
    assert.deepEqual(
      away
        .at('/away')
        .map(({ headers }) => headers['webhook-id'])
        .sort(),
      ids,
    );
    for (const delivery of log) {
      assert.equal(delivery.state, 'succeeded');
      const attempts = attemptsOf(delivery);
      assert.deepEqual(attempts, [...Array(attempts.length - 1).fill('unreachable'), 204]);
      assert.equal(attempts.length, delivery.attempts);
    }
  });

  describeAttempts(() => ({ engine, deliveries, receiver, timeoutSec: TIMEOUT_SEC }));
});

const atOnce = (arrivals: Arrival[], { receivedAt }: Arrival): number =>
  arrivals.filter(
    (other) => other.receivedAt <= receivedAt && (other.endedAt ?? Number.POSITIVE_INFINITY) > receivedAt,
  ).length;

const attemptsWithoutAnswer = (log: WebhookDelivery[]): number =>
  log.flatMap(attemptsOf).filter((attempt) => attempt === null).length;
