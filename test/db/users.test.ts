import assert from 'node:assert/strict';
import pg from 'pg';
import { UserInUseError } from '../../src/db/users.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { makeAccount } from '../support/posting.ts';
import { waitFor } from '../support/stack.ts';
import { addDelivery, addEvent, addWebhook } from '../support/webhooks.ts';

/** More than are removed by one statement. */
const MANY = 5001;

describe('users', () => {
  let api: TestApi;

  before(async () => {
    api = await startApi();
    // The last administrator stays.
    await api.makeUser();
  });
  after(() => api?.close());

  const count = async (table: string, userId: string) => {
    const [row] = await api.sql(`select count(*)::int as count from ${table} where user_id = $1`, [userId]);
    return row.count;
  };

  it('go in parts, however much was told of them', async () => {
    const { id } = await api.makeUser();
    const webhookId = await addWebhook(api, id);
    await api.sql(
      `insert into events (id, user_id, type, object_type, object_id, data, created_at)
       select uuidv7(), $1, 'video.ready', 'video', uuidv7(), '{}', now() from generate_series(1, ${MANY})`,
      [id],
    );
    await api.sql(
      `insert into webhook_deliveries (id, webhook_id, event_id, sequence, type, created_at)
       select uuidv7(), $1, id, sequence, type, now() from events where user_id = $2`,
      [webhookId, id],
    );
    await api.sql(`
      create function be_few() returns trigger language plpgsql as $$ begin
        if (select count(*) from gone) > 5000 then raise 'more than one statement has time for'; end if;
        return null;
      end $$;
      create trigger few_events after delete on events referencing old table as gone execute function be_few();
      create trigger few_deliveries after delete on webhook_deliveries referencing old table as gone
        execute function be_few()`);
    assert.equal(await api.db.users.remove(id), true);
    assert.equal(await api.db.users.find(id), null);
    assert.deepEqual([await count('events', id), await count('webhooks', id)], [0, 0]);
    await api.sql('drop function be_few cascade');
  });

  it('are removed after their accounts, which others hold before their users', async () => {
    const { id } = await api.makeUser();
    const accountId = await makeAccount(api.db, id);
    let removing: Promise<boolean> | undefined;
    const client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
    try {
      // As whoever changes an account, and then tells of it.
      await client.query('begin');
      await client.query('select from accounts where id = $1 for no key update', [accountId]);
      removing = api.db.users.remove(id);
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await waitFor(async () => (await api.sql(waiting)).length > 0, { what: 'the removal' });
      await client.query(
        `insert into events (id, user_id, type, object_type, object_id, data, created_at)
         values (uuidv7(), $1, 'account.updated', 'account', $2, '{}', now())`,
        [id, accountId],
      );
      await client.query('commit');
    } finally {
      await client.end();
    }
    assert.equal(await removing, true);
    assert.deepEqual([await count('events', id), await count('accounts', id)], [0, 0]);
  });

  it('keep everything while they have a video', async () => {
    const { id } = await api.makeUser();
    await addDelivery(api, { userId: id, webhookId: await addWebhook(api, id) });
    await api.db.videos.insertEntry({
      ...{ userId: id, userLabel: null, externalId: null, title: 't', description: null },
      ...{ tags: [], filename: null },
    });
    const before = [await count('events', id), await count('webhooks', id)];
    await assert.rejects(api.db.users.remove(id), UserInUseError);
    assert.deepEqual([await count('events', id), await count('webhooks', id)], before);
  });

  it('that were removed in part are told so where they read on', async () => {
    const { id } = await api.makeUser();
    for (let at = 0; at < 3; at++) await addEvent(api, id);
    await api.sql(`
      create function be_cut_off() returns trigger language plpgsql as $$ begin raise 'cut off'; end $$;
      create trigger be_cut_off before delete on users execute function be_cut_off()`);
    await assert.rejects(api.db.users.remove(id), /cut off/);
    await api.sql('drop function be_cut_off cascade');
    const asked = { afterSequence: 1, types: [], videoId: null, limit: 10 };
    const { expiredSequence, lastSequence } = await api.db.events.list(id, asked);
    assert.deepEqual([expiredSequence, lastSequence], [3, 3]);
    assert.equal(await api.db.users.remove(id), true);
  });
});
