import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { addEvent } from '../support/webhooks.ts';

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
    for (let at = 0; at < WEBHOOKS; at++) {
      const id = newId();
      ids.push(id);
      const secret = { id: newId(), sealed: 'sealed' };
      const webhook = { id, userId, sealedUrl: 'sealed', types: [], description: null, isEnabled: true };
      await api.db.transaction(({ webhooks }) => webhooks.insert({ ...webhook, secret }, WEBHOOKS));
    }
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
    assert.equal(left.get(webhookId)?.isDueNow, true, 'the second of two events');
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
    const ended = { isPing: false, webhookId, durationMs: 5, errorCode: null, response: '' };
    const failed = {
      ...ended,
      attemptId: late.id,
      deliveryId: late.deliveryId,
      number: 1,
      startedAt: late.startedAt,
    };
    const good = {
      ...ended,
      attemptId: other.id,
      deliveryId: other.deliveryId,
      number: 1,
      startedAt: other.startedAt,
    };
    await api.db.webhookRecords.record(
      [
        { ...failed, status: 500, state: 'failed', nextAttemptAt: null },
        { ...good, status: 200, state: 'succeeded', nextAttemptAt: null },
      ],
      new Date(0),
    );
    const rows = await api.sql('select id, state from webhook_deliveries where webhook_id = $1', [webhookId]);
    const states = new Map(rows.map(({ id, state }) => [id, state]));
    assert.equal(states.get(late.deliveryId), 'pending', 'overtaken');
    assert.equal(states.get(other.deliveryId), 'succeeded', 'success counts whenever it is heard of');
  });
});
