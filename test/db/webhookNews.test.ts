import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { addEvent } from '../support/webhooks.ts';

/** More than is looked through at a time. */
const BEHIND = 12_000;
const PAGE = { limit: 100, holder: newId(), attendSec: 12 };

describe('the webhooks that have news', () => {
  let api: TestApi;

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());

  async function addWebhook(types: string[] = []) {
    const { id: userId } = await api.makeUser();
    const webhook = { id: newId(), userId, sealedUrl: 'sealed', types, description: null, isEnabled: true };
    const secret = { id: newId(), sealed: 'sealed' };
    await api.db.transaction(({ webhooks }) => webhooks.insert({ ...webhook, secret }, 10));
    return { webhookId: webhook.id, userId };
  }
  async function stateOf({ webhookId }: { webhookId: string }) {
    const [row] = await api.sql('select *, attended_until > now() as is_held from webhooks where id = $1', [
      webhookId,
    ]);
    return row;
  }

  it('are looked through in parts where they are far behind, of which others see nothing', async () => {
    const behind = await addWebhook(['share.revoked']);
    const other = await addWebhook();
    await api.sql('alter table events disable trigger number_event');
    await api.sql(
      `insert into events (id, user_id, sequence, type, object_type, object_id, data, created_at)
       select uuidv7(), $1, at, case when at = $2 then 'share.revoked' else 'step.queued' end, 'step', uuidv7(), '{}', now()
       from generate_series(1, $2) at`,
      [behind.userId, BEHIND],
    );
    await api.sql('alter table events enable trigger number_event');
    await api.sql(
      `insert into feeds (user_id, last_sequence, expired_sequence, noticed_sequence) values ($1, $2, 0, 0)
       on conflict (user_id) do update set last_sequence = $2`,
      [behind.userId, BEHIND],
    );
    await addEvent(api, other.userId);
    assert.deepEqual(await api.db.webhookNews.take(null, PAGE), {
      ...{ taken: [other], lastId: null, isBehind: true },
    });
    const { told_sequence: told, cursor_sequence: cursor } = await stateOf(behind);
    assert.ok(told === cursor && Number(cursor) > 0 && Number(cursor) < BEHIND);
    let parts = 1;
    for (let found = await api.db.webhookNews.take(null, PAGE); found.isBehind; parts++)
      found = await api.db.webhookNews.take(null, PAGE);
    assert.ok(parts > 1);
    assert.equal((await stateOf(behind)).is_held, true, 'the last one was chosen');
  });

  it('are given in pages', async () => {
    const webhooks = [await addWebhook(), await addWebhook(), await addWebhook()];
    for (const { userId } of webhooks) await addEvent(api, userId);
    const first = await api.db.webhookNews.take(null, { ...PAGE, limit: 2 });
    const [{ webhookId: lastId } = { webhookId: '' }] = first.taken.slice(-1);
    assert.deepEqual([first.taken.length, first.lastId], [2, lastId]);
    const second = await api.db.webhookNews.take(null, { ...PAGE, limit: 2, afterId: lastId });
    assert.deepEqual(second, { taken: webhooks.slice(2), lastId: null, isBehind: false });
  });

  it('are those too whose holder was heard of no more', async () => {
    const webhook = await addWebhook();
    await addEvent(api, webhook.userId);
    const take = async () => (await api.db.webhookNews.take(null, PAGE)).taken;
    assert.deepEqual(await take(), [webhook]);
    const look = { webhookId: webhook.webhookId, holder: PAGE.holder, slots: 0 };
    await api.db.webhookRecords.attend([look], { attendSec: 12, attemptSec: 20 });
    assert.deepEqual(await take(), []);
    await api.sql(`update webhooks set attended_until = now() - interval '1 second' where id = $1`, [
      webhook.webhookId,
    ]);
    assert.deepEqual(await take(), [webhook]);
    assert.equal((await stateOf(webhook)).is_held, true);
    await api.db.webhookRecords.release([look]);
    assert.deepEqual(await take(), [], 'who has left it is no death');
  });
});
