import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { newId } from '../../src/db/ids.ts';
import { webhookSecretPlace } from '../../src/domain/sealedPlaces.ts';
import { signMessage } from '../../src/notifiers/webhook/sign.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import { makeWebhookSecret } from '../../src/secrets/webhookSecret.ts';
import { attemptsOf, type Deliveries, type MadeWebhook } from '../support/delivering.ts';
import type { TestEngine } from '../support/engine.ts';
import type { Arrival } from '../support/fakes/hooks.ts';
import { broken } from '../support/fakes/hookTrouble.ts';
import type { WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { waitFor } from '../support/stack.ts';

/** Where deliveries are tried out, once it is open. */
export interface TriedWorld {
  engine: TestEngine;
  deliveries: Deliveries;
  receiver: WebhookReceiver;
  timeoutSec: number;
}

const make = async ({ deliveries, receiver, engine }: TriedWorld, path: string): Promise<MadeWebhook> =>
  deliveries.addWebhook(receiver.url(path), { userId: await engine.addUser() });

/** What single attempts hold and tell; they share an engine with the tests of whole deliveries. */
export function describeAttempts(open: () => TriedWorld): void {
  it('are signed with the old secret too until a rotation is over', async () => {
    const world = open();
    const { engine, deliveries, receiver } = world;
    const webhook = await make(world, '/rotated');
    const next = { id: newId(), secret: makeWebhookSecret() };
    const sealed = createSealer(engine.config.ENCRYPTION_KEYS).seal(next.secret, webhookSecretPlace(next.id));
    await engine.db.webhooks.rotate(webhook.userId, webhook.id, { id: next.id, sealed }, 3600);
    await deliveries.tell(1, webhook);
    await deliveries.untilEnded(webhook, 1);
    await deliveries.sql('update webhook_secrets set expires_at = now() where webhook_id = $1 and id <> $2', [
      webhook.id,
      next.id,
    ]);
    await deliveries.tell(1, webhook);
    await deliveries.untilEnded(webhook, 2);
    const [first, second] = receiver.at('/rotated') as [Arrival, Arrival];
    assert.equal(first.headers['webhook-signature'], signatureOf(first, [next.secret, webhook.secret]));
    assert.equal(second.headers['webhook-signature'], signatureOf(second, [next.secret]));
  });

  it('look the same, and come as late, for closed, silent and foreign ports; to inner addresses nothing is sent', async function () {
    const { engine, deliveries, timeoutSec } = open();
    this.timeout(30_000);
    const greetings: ((socket: Socket) => unknown)[] = [
      () => undefined,
      (socket) => socket.destroy(),
      (socket) => socket.end('SSH-2.0-x\r\n'),
      (socket) => socket.end('HTTP/1.1 101 A\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ];
    const servers = greetings.map((greet) =>
      createServer((socket) => void greet(socket.on('error', () => undefined))),
    );
    await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    const ports = servers.map((server) => (server.address() as AddressInfo).port);
    // Of the range that is not allowed here.
    const canary = createServer((socket) => socket.destroy());
    await once(canary.listen(0, '127.200.0.1'), 'listening');
    let hits = 0;
    canary.on('connection', () => {
      hits += 1;
    });
    const inner = (canary.address() as AddressInfo).port;
    const urls = [
      ...ports.map((port) => `http://127.0.0.1:${port}/`),
      'http://127.0.0.1:1/',
      `http://127.200.0.1:${inner}/`,
    ];
    const userId = await engine.addUser();
    const webhooks = await Promise.all(urls.map((url) => deliveries.addWebhook(url, { userId })));
    await deliveries.tell(1, { userId });
    const known = async (webhook: MadeWebhook) => {
      const [delivery] = await deliveries.log(webhook);
      const attempt = delivery?.log.getItems().find(({ errorCode }) => errorCode !== null);
      return attempt && { ...attempt, afterMs: Date.now() - attempt.startedAt.getTime() };
    };
    const logs = await Promise.all(
      webhooks.map((webhook) =>
        waitFor(() => known(webhook), { what: webhook.url, timeoutMs: 10_000, everyMs: 20 }),
      ),
    );
    for (const { errorCode, afterMs } of logs)
      assert.ok(errorCode !== 'unreachable' || afterMs >= timeoutSec * 1000, `${afterMs}`);
    const told = logs.map(({ durationMs, status, errorCode, response }) => ({
      durationMs,
      status,
      errorCode,
      response,
    }));
    const nothing = { durationMs: null, status: null, response: null };
    const unreachable = { ...nothing, errorCode: 'unreachable' };
    const refused = { ...nothing, errorCode: 'refused' };
    assert.deepEqual(told, [...ports.map(() => unreachable), unreachable, refused]);
    assert.equal(hits, 0);
    for (const webhook of webhooks) await engine.db.webhooks.remove(userId, webhook.id);
    for (const server of [...servers, canary]) server.close();
  });

  it('of a ping are one, whatever comes of it; nobody answering takes as long as nobody there', async function () {
    const world = open();
    const { engine, deliveries, receiver, timeoutSec } = world;
    this.timeout(20_000);
    const ping = async (webhook: MadeWebhook, isBegun = false) => {
      const deliveryId = await engine.db.transaction(({ webhookDeliveries }) =>
        webhookDeliveries.insertPing(webhook.userId, webhook.id),
      );
      assert.ok(deliveryId);
      const startedAt = Date.now();
      if (isBegun)
        await deliveries.sql('update webhook_deliveries set attempts = 1 where id = $1', [deliveryId]);
      const { state } = await engine.flows.pingWebhook({
        deliveryId,
        webhookId: webhook.id,
        userId: webhook.userId,
      });
      assert.equal(state, 'done');
      const row = await engine.db.webhookDeliveries.find({
        id: deliveryId,
        webhookId: webhook.id,
        userId: webhook.userId,
      });
      assert.ok(row);
      return { ...row, tookMs: Date.now() - startedAt, attempts: attemptsOf(row) };
    };
    const good = await make(world, '/pinged');
    assert.deepEqual((await ping(good)).attempts, [204]);
    const { type, data } = JSON.parse(receiver.at('/pinged')[0]?.body.toString() ?? '');
    assert.deepEqual({ type, data }, { type: 'webhook.ping', data: { webhook_id: good.id } });
    receiver.behave('/pinged', broken());
    const failed = await ping(good);
    assert.deepEqual([failed.state, ...failed.attempts], ['failed', 500]);
    const begun = await ping(good, true);
    assert.deepEqual([begun.state, begun.attempts], ['failed', []]);
    assert.equal(receiver.at('/pinged').length, 2, 'not begun again, since it may have been sent');
    const closed = await ping(await deliveries.addWebhook('http://127.0.0.1:1/'));
    assert.deepEqual([closed.state, ...closed.attempts], ['failed', 'unreachable']);
    assert.ok(closed.tookMs >= timeoutSec * 1000);
  });

  it('of a ping that nobody is at any more have failed', async () => {
    const world = open();
    const { engine, deliveries } = world;
    const webhook = await make(world, '/lost');
    const id = await engine.db.transaction(({ webhookDeliveries }) =>
      webhookDeliveries.insertPing(webhook.userId, webhook.id),
    );
    await deliveries.sql(
      `update webhook_deliveries set created_at = now() - interval '11 minutes' where id = $1`,
      [id],
    );
    const [lost] = await deliveries.untilEnded(webhook, 1);
    assert.deepEqual([lost?.id, lost?.state], [id, 'failed']);
  });
}

function signatureOf({ headers, body }: Arrival, secrets: string[]): string | undefined {
  const message = {
    id: String(headers['webhook-id']),
    timestampSec: Number(headers['webhook-timestamp']),
    body,
  };
  return signMessage(message, secrets)['webhook-signature'];
}
