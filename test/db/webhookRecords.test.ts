import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import type { BegunAttempt, EndedAttempt } from '../../src/db/webhookRecords.ts';
import { toWebhookView } from '../../src/views/webhooks.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { addEvent, addWebhook } from '../support/webhooks.ts';

const WEBHOOKS = 20;
const ATTEND = { attendSec: 12, attemptSec: 20 };

describe('the rows of webhooks', () => {
  let api: TestApi;
  let userId: string;
  let ids: string[];

  before(async () => {
    api = await startApi();
    ({ id: userId } = await api.makeUser());
    ids = [];
    for (let at = 0; at < WEBHOOKS; at++) ids.push(await addWebhook(api, userId));
  });
  after(() => api?.close());

  const take = (holder: string) => api.db.webhookNews.take(null, { limit: 7, holder, attendSec: 12 });

  it('are each given to one of those who ask at once, and to nobody while that one is there', async () => {
    await addEvent(api, userId);
    const holders = [newId(), newId(), newId(), newId()];
    const given = (await Promise.all(holders.map(take))).flatMap(({ taken }) =>
      taken.map(({ webhookId }) => webhookId),
    );
    assert.equal(new Set(given).size, given.length);
    for (let found = await take(newId()); found.taken.length > 0; found = await take(newId()))
      given.push(...found.taken.map(({ webhookId }) => webhookId));
    assert.deepEqual(given.sort(), ids);
    await addEvent(api, userId);
    assert.deepEqual((await take(newId())).taken, []);
  });

  it('are looked at by who has them, until they are left or that one is no more', async () => {
    const [webhookId = ''] = ids;
    await api.sql('update webhooks set attended_until = null where id = $1', [webhookId]);
    const [first, second] = [newId(), newId()];
    const look = async (holder: string) =>
      (await api.db.webhookRecords.attend([{ webhookId, holder, slots: 1 }], ATTEND)).get(webhookId);
    const seen = await look(first);
    assert.deepEqual([seen?.state, seen?.begun.length], ['open', 1]);
    assert.equal((await look(second))?.state, 'taken');
    assert.deepEqual((await api.db.webhookRecords.release([{ webhookId, holder: second }])).size, 0);
    assert.equal((await look(second))?.state, 'taken');
    const left = await api.db.webhookRecords.release([{ webhookId, holder: first }]);
    assert.ok((left.get(webhookId)?.nextDueInMs ?? 1) <= 0, 'the second of two events');
    assert.equal((await look(second))?.state, 'open');
    await api.sql(`update webhooks set attended_until = now() - interval '1 second' where id = $1`, [
      webhookId,
    ]);
    assert.equal((await look(first))?.state, 'open');
    assert.equal((await look(second))?.state, 'taken');
  });

  it('begin an attempt once, and again when nobody has said in time what came of it', async () => {
    const [, webhookId = ''] = ids;
    await api.sql('update webhooks set attended_until = null where id = $1', [webhookId]);
    const holder = newId();
    const begun = async () =>
      (await api.db.webhookRecords.attend([{ webhookId, holder, slots: 4 }], ATTEND)).get(webhookId)?.begun ??
      [];
    const first = await begun();
    assert.deepEqual(
      first.map(({ number }) => number),
      [1, 1],
    );
    assert.deepEqual(await begun(), []);
    await api.sql('update webhook_deliveries set next_attempt_at = now() where webhook_id = $1', [webhookId]);
    const again = await begun();
    // A death is no failure: the schedule is where it was.
    assert.deepEqual(
      again.map(({ number, scheduleNumber }) => [number, scheduleNumber]),
      [
        [2, 1],
        [2, 1],
      ],
    );
    const [late, other] = first as [(typeof first)[0], (typeof first)[0]];
    await api.db.webhookRecords.record([failed(late), taken(other)], new Date(0));
    assert.equal((await delivery(late)).state, 'pending', 'overtaken');
    assert.equal((await delivery(other)).state, 'succeeded', 'success counts whenever it is heard of');
  });

  it('are due at once where that was asked for during an attempt, unless that one was taken', async () => {
    const [, , webhookId = ''] = ids;
    await api.sql('update webhooks set attended_until = null where id = $1', [webhookId]);
    const look = { webhookId, holder: newId(), slots: 4 };
    const begun = (await api.db.webhookRecords.attend([look], ATTEND)).get(webhookId)?.begun ?? [];
    const [first, second] = begun as [(typeof begun)[0], (typeof begun)[0]];
    for (const { deliveryId: id } of begun)
      await api.db.webhookDeliveries.requestResend({ userId, webhookId, id });
    await api.db.webhookRecords.record([failed(first), taken(second)], new Date(0));
    const { state, next_attempt_at: due } = await delivery(first);
    assert.equal(state, 'pending');
    assert.ok(due <= new Date());
    assert.equal((await delivery(second)).state, 'succeeded');
    const log = await api.sql('select status from webhook_attempts where id = $1', [first.id]);
    assert.deepEqual(log, [{ status: 500 }]);
  });

  it('are disabled in one way, of which the event has all', async () => {
    const [, , , webhookId = ''] = ids;
    await api.sql('update webhooks set attended_until = null where id = $1', [webhookId]);
    const holder = newId();
    await api.db.webhookRecords.attend([{ webhookId, holder, slots: 0 }], ATTEND);
    await api.db.webhookRecords.disable(webhookId, 'failing');
    const [row] = await api.sql('select * from webhooks where id = $1', [webhookId]);
    assert.deepEqual([row.is_enabled, row.attended_by, row.attended_until], [false, null, null]);
    const left = await api.sql('select distinct state from webhook_deliveries where webhook_id = $1', [
      webhookId,
    ]);
    assert.deepEqual(left, [{ state: 'cancelled' }]);
    const [event] = await api.sql(`select data from events where object_id = $1`, [webhookId]);
    const webhook = await api.db.webhooks.find(userId, webhookId);
    assert.ok(webhook);
    assert.deepEqual(event.data, toWebhookView(webhook, null));
    assert.deepEqual([event.data.disabled_reason, event.data.url], ['failing', null]);
  });

  it('hold nothing back when their removal was cut off', async () => {
    const [, , , , webhookId = ''] = ids;
    await api.sql('update webhooks set attended_until = null where id = $1', [webhookId]);
    const holder = newId();
    await api.db.webhookRecords.attend([{ webhookId, holder, slots: 0 }], ATTEND);
    await api.sql(`
      create function be_cut_off() returns trigger language plpgsql as $$ begin raise 'cut off'; end $$;
      create trigger be_cut_off before delete on webhook_deliveries execute function be_cut_off()`);
    await assert.rejects(api.db.webhooks.remove(userId, webhookId), /cut off/);
    await api.sql('drop function be_cut_off cascade');
    const [row] = await api.sql('select is_enabled, disabled_at from webhooks where id = $1', [webhookId]);
    assert.ok(row.is_enabled === false && row.disabled_at instanceof Date);
    const [pending] = await api.sql(
      `select count(*)::int as count from webhook_deliveries where webhook_id = $1 and state = 'pending'`,
      [webhookId],
    );
    assert.equal(pending.count, 0);
    assert.equal(await api.db.webhooks.remove(userId, webhookId), true);
  });

  it('of pings are begun once, and end also when nobody ends them', async () => {
    const [, , , , , webhookId = ''] = ids;
    const insert = () =>
      api.db.transaction(({ webhookDeliveries }) => webhookDeliveries.insertPing(userId, webhookId));
    const [begun, unbegun, fresh] = [await insert(), await insert(), await insert()];
    const attempt = await api.db.webhookRecords.beginPing(begun ?? '');
    assert.equal(attempt?.number, 1);
    assert.equal(await api.db.webhookRecords.beginPing(begun ?? ''), null);
    const old = `update webhook_deliveries set created_at = now() - interval '1 hour' where id in ($1, $2)`;
    await api.sql(old, [begun, unbegun]);
    await api.db.webhookDeliveries.endLostPings(new Date(Date.now() - 60_000));
    const states = async () =>
      Promise.all([begun, unbegun, fresh].map(async (id) => (await rowOf(id ?? '')).state));
    assert.deepEqual(await states(), ['failed', 'failed', 'pending']);
    assert.ok((await rowOf(begun ?? '')).ended_at instanceof Date);
    // What is said so late is written down, and changes nothing more.
    if (attempt) await api.db.webhookRecords.record([{ ...taken(attempt), isPing: true }], new Date(0));
    assert.deepEqual(await states(), ['failed', 'failed', 'pending']);
  });

  const rowOf = async (id: string) =>
    (await api.sql('select * from webhook_deliveries where id = $1', [id]))[0];
  const delivery = ({ deliveryId }: BegunAttempt) => rowOf(deliveryId);
});

const answered = ({ id, ...attempt }: BegunAttempt) => ({
  ...{ ...attempt, attemptId: id, isPing: false, durationMs: 5 },
  ...{ errorCode: null, response: '', nextAttemptAt: null },
});
const failed = (attempt: BegunAttempt): EndedAttempt => ({
  ...answered(attempt),
  status: 500,
  state: 'failed',
});
const taken = (attempt: BegunAttempt): EndedAttempt => ({
  ...answered(attempt),
  status: 200,
  state: 'succeeded',
});
