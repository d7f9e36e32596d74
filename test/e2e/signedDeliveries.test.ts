import assert from 'node:assert/strict';
import { tell } from '../../src/db/events.ts';
import { newId } from '../../src/db/ids.ts';
import { openOrm } from '../../src/db/orm.ts';
import { storableJson } from '../../src/db/storableJson.ts';
import { callUrl } from '../support/api.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { broken } from '../support/fakes/hookTrouble.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { sample } from '../support/sample.ts';
import { seededRandom, waitFor } from '../support/stack.ts';
import { holdsByOpenssl, holdsByRule, verifyByLibrary } from '../support/verifying.ts';
import { makePayload } from '../support/webhookPayloads.ts';

/** All that a campaign delivers, of which a normal run does a share. */
const PAYLOADS = 1000;
const DELIVERED = 60;
const BY_OPENSSL = 10;

describe('deliveries to a receiver', () => {
  let engine: TestEngine;
  let receiver: WebhookReceiver;
  let api: ApiProcess;
  let userId: string;

  before(async function () {
    this.timeout(120_000);
    receiver = await startWebhookReceiver();
    engine = await startTestEngine({
      ...{ EGRESS_ALLOW_CIDRS: '127.0.0.0/8', WEBHOOK_RETRY_SEC: '0.1,1.5,0.1' },
      WORKER_QUEUES: 'workflows,net,notify',
    });
    engine.startWorker();
    api = await engine.startApi();
    userId = (await call('/v1/me')).body.id;
  });
  after(async () => {
    await engine?.close();
    await receiver?.close();
  });

  const call = (path: string, json?: unknown) =>
    callUrl(`${api.url}${path}`, { token: api.token, ...(json !== undefined && { json }) });

  /** Tells of videos that never were, whatever is said about them. */
  async function tellOf(payloads: readonly Record<string, unknown>[]): Promise<void> {
    const orm = await openOrm({ databaseUrl: engine.config.DATABASE_URL, poolMax: 1 });
    const events = payloads.map((data) => {
      const object = { type: 'video' as const, id: newId() };
      return { userId, type: 'video.updated' as const, object, videoId: object.id, data };
    });
    await orm.em.fork().transactional((tx) => tell(tx, events));
    await orm.close();
  }

  const arrived = (path: string, count: number) =>
    waitFor(() => (receiver.at(path).length >= count ? receiver.at(path) : null), {
      ...{ what: `${count} deliveries`, timeoutMs: 200 * count + 30_000 },
    });

  async function readFeed() {
    const events = new Map<string, unknown>();
    for (let after = 0; ; ) {
      const { body } = await call(`/v1/events?after=${after}&limit=100`);
      if (body.data.length === 0) return events;
      for (const event of body.data) events.set(event.id, event);
      after = body.last_sequence;
    }
  }

  it('verify, and say what the feed says, whatever is in a payload', async function () {
    this.timeout(600_000);
    const { body: webhook } = await call('/v1/webhooks', { url: receiver.url('/all') });
    const random = seededRandom('deliveries');
    const all = Array.from({ length: PAYLOADS }, () => storableJson(makePayload(random)));
    const payloads = sample('deliveries', all, DELIVERED);
    await tellOf(payloads);
    const arrivals = await arrived('/all', payloads.length);
    const feed = await readFeed();
    for (const { headers, body } of arrivals) {
      const { timestamp, ...event } = verifyByLibrary(webhook.secret, headers, body) as { timestamp: string };
      assert.deepEqual(event, feed.get(String(headers['webhook-id'])));
      assert.equal(timestamp, (event as { created_at?: string }).created_at);
      assert.equal(headers['content-type'], 'application/json');
      assert.ok(holdsByRule(webhook.secret, headers, body), body.toString());
    }
    for (const { headers, body } of sample('openssl', arrivals, BY_OPENSSL))
      assert.ok(await holdsByOpenssl(webhook.secret, headers, body), body.toString());
    assert.equal(new Set(arrivals.map(({ headers }) => headers['webhook-id'])).size, payloads.length);
  });

  it('verify under the old and the new secret while a rotation lasts, and under the new one alone after it', async function () {
    this.timeout(60_000);
    const { body: webhook } = await call('/v1/webhooks', { url: receiver.url('/rotated') });
    const rotate = async (json: object) =>
      (await call(`/v1/webhooks/${webhook.id}/secrets`, json)).body.secret;
    const second = await rotate({});
    await tellOf([{ title: 'to both' }]);
    const [toBoth] = await arrived('/rotated', 1);
    assert.ok(toBoth);
    for (const secret of [webhook.secret, second]) {
      verifyByLibrary(secret, toBoth.headers, toBoth.body);
      assert.ok(await holdsByOpenssl(secret, toBoth.headers, toBoth.body));
    }
    const third = await rotate({ overlap_sec: 0 });
    await tellOf([{ title: 'to the last' }]);
    const [, toLast] = await arrived('/rotated', 2);
    assert.ok(toLast);
    verifyByLibrary(third, toLast.headers, toLast.body);
    for (const secret of [webhook.secret, second])
      assert.throws(() => verifyByLibrary(secret, toLast.headers, toLast.body), /No matching signature/);
  });

  it('keep their id and bytes over attempts, and have a fresh time and signature each', async function () {
    this.timeout(60_000);
    const { body: webhook } = await call('/v1/webhooks', { url: receiver.url('/again') });
    receiver.behave('/again', broken(), broken());
    await tellOf([{ title: 'three times 🎬' }]);
    const attempts = await arrived('/again', 3);
    const [first, , last] = attempts;
    assert.ok(first && last);
    for (const { headers, body } of attempts) {
      verifyByLibrary(webhook.secret, headers, body);
      assert.equal(headers['webhook-id'], first.headers['webhook-id']);
      assert.deepEqual(body, first.body);
    }
    for (const { headers, receivedAt } of attempts)
      assert.ok(Math.abs(receivedAt / 1000 - Number(headers['webhook-timestamp'])) < 3);
    assert.ok(Number(last.headers['webhook-timestamp']) > Number(first.headers['webhook-timestamp']));
  });

  it('of a ping verify, too', async function () {
    this.timeout(60_000);
    const { body: webhook } = await call('/v1/webhooks', { url: receiver.url('/ping') });
    const { status, body } = await call(`/v1/webhooks/${webhook.id}/test`, {});
    assert.equal(status, 200);
    const [ping] = receiver.at('/ping');
    assert.ok(ping);
    const said = verifyByLibrary(webhook.secret, ping.headers, ping.body) as Record<string, unknown>;
    assert.equal(said.type, 'webhook.ping');
    assert.deepEqual(said.data, { webhook_id: webhook.id });
    assert.equal(ping.headers['webhook-id'], body.event_id);
    assert.ok(await holdsByOpenssl(webhook.secret, ping.headers, ping.body));
  });
});
