import assert from 'node:assert/strict';
import type { RequiredEntityData } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { User } from '../../src/db/entities/user.ts';
import { TELLINGS } from '../../src/db/eventRetention.ts';
import { tell } from '../../src/db/events.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';

const NOTHING = { events: 0, webhookDeliveries: 0, telegramLinks: 0, telegramNotices: 0 };

describe('what is kept of events and of telling them', () => {
  let database: TestDatabase;
  let orm: MikroORM;
  let db: Db;
  const monthAgo = new Date(Date.now() - 30 * 24 * 3600 * 1000);

  before(async () => {
    database = await testDatabase();
    orm = await openOrm({ databaseUrl: database.url, poolMax: 2 });
    db = await createDb({ databaseUrl: database.url, poolMax: 2 });
  });
  after(async () => {
    await Promise.all([db?.close(), orm?.close()]);
    await database?.drop();
  });

  const sql = <Row = unknown>(statement: string, values: unknown[] = []): Promise<Row[]> =>
    orm.em.fork().execute<Row[]>(statement, values);
  /** A user with so many events, of which the first ones are older than a month. */
  async function makeUser({ count, old }: { count: number; old: number }): Promise<string> {
    const em = orm.em.fork();
    const columns = { username: newId(), passwordHash: 'x', scopes: [] };
    const userId = em.create(User, columns as unknown as RequiredEntityData<User>).id;
    await em.flush();
    await addEvents(userId, count);
    await sql(
      `update events set created_at = created_at - interval '31 days' where user_id = ? and sequence <= ?`,
      [userId, old],
    );
    return userId;
  }
  const addEvents = (userId: string, count: number) =>
    orm.em.fork().transactional((tx) =>
      tell(
        tx,
        Array.from({ length: count }, () => ({
          ...{ userId, type: 'video.updated' as const, videoId: null, data: {} },
          object: { type: 'video' as const, id: newId() },
        })),
      ),
    );
  /** Removes until there is no more. @returns how many in all */
  async function removeAll() {
    const removed = { ...NOTHING };
    for (const kind of TELLINGS) {
      let count: number;
      do {
        count = await db.eventRetention.removeOld(kind, monthAgo);
        removed[kind] += count;
      } while (count > 0);
    }
    return removed;
  }
  const read = async (userId: string) => {
    const page = await db.events.list(userId, { afterSequence: 0, types: [], videoId: null, limit: 20_000 });
    return {
      expired: page.expiredSequence,
      last: page.lastSequence,
      left: page.events.map((e) => e.sequence),
    };
  };
  async function addDelivery(userId: string, columns: Record<string, unknown>): Promise<string> {
    const [webhook, id] = [newId(), newId()];
    await sql(
      `insert into webhooks (id, user_id, sealed_url, types, created_at, updated_at) values (?, ?, 'x', '{}', now(), now())`,
      [webhook, userId],
    );
    const all = { id, webhook_id: webhook, event_id: newId(), type: 'x', created_at: new Date(), ...columns };
    await sql(
      `insert into webhook_deliveries (${Object.keys(all)}) values (${Object.keys(all).map(() => '?')})`,
      Object.values(all),
    );
    await sql(
      'insert into webhook_attempts (id, delivery_id, number, started_at) values (?, ?, 1, now()), (?, ?, 2, now())',
      [newId(), id, newId(), id],
    );
    return id;
  }

  it('goes from the beginning, is said before it goes, and its numbers are never given again', async () => {
    const user = await makeUser({ count: 5, old: 3 });
    const other = await makeUser({ count: 2, old: 0 });
    assert.deepEqual(await db.eventRetention.countOld(monthAgo), { ...NOTHING, events: 3 });
    assert.deepEqual(await removeAll(), { ...NOTHING, events: 3 });
    assert.deepEqual(await read(user), { expired: 3, last: 5, left: [4, 5] });
    assert.deepEqual(await read(other), { expired: 0, last: 2, left: [1, 2] });
    await addEvents(user, 1);
    assert.deepEqual((await read(user)).left, [4, 5, 6]);
    await sql(`update events set created_at = created_at - interval '31 days' where user_id = ?`, [user]);
    assert.equal((await removeAll()).events, 3);
    assert.deepEqual(await read(user), { expired: 6, last: 6, left: [] });
    await addEvents(user, 1);
    assert.deepEqual(await read(user), { expired: 6, last: 7, left: [7] });
  });

  it('goes in more than one piece where there is much of it, to the first that is not old', async () => {
    const user = await makeUser({ count: 6003, old: 6000 });
    await sql(`update events set created_at = now() where user_id = ? and sequence = 4000`, [user]);
    assert.equal((await db.eventRetention.countOld(monthAgo)).events, 3999);
    assert.equal((await removeAll()).events, 3999);
    await sql(`update events set created_at = ? where user_id = ? and sequence = 4000`, [new Date(0), user]);
    assert.equal((await removeAll()).events, 2001);
    assert.deepEqual(await read(user), { expired: 6000, last: 6003, left: [6001, 6002, 6003] });
  });

  it('goes of all users, and what was left over by who was stopped', async () => {
    const users: string[] = [];
    while (users.length < 45) users.push(await makeUser({ count: 3, old: 2 }));
    const stopped = await makeUser({ count: 3, old: 3 });
    await sql('update feeds set expired_sequence = 3 where user_id = ?', [stopped]);
    assert.equal((await db.eventRetention.countOld(monthAgo)).events, 93);
    assert.equal((await removeAll()).events, 93);
    for (const user of users) assert.deepEqual(await read(user), { expired: 2, last: 3, left: [3] });
    const left = await sql('select 1 from events where user_id = ?', [stopped]);
    assert.deepEqual(left, []);
  });

  it('stays while a webhook has still to be sent it, with all that came after it', async () => {
    const user = await makeUser({ count: 6, old: 6 });
    const waiting = await addDelivery(user, { state: 'pending', sequence: 4, next_attempt_at: new Date() });
    assert.equal((await db.eventRetention.countOld(monthAgo)).events, 3);
    assert.equal((await removeAll()).events, 3);
    assert.deepEqual(await read(user), { expired: 3, last: 6, left: [4, 5, 6] });
    await sql(`update webhook_deliveries set state = 'succeeded', ended_at = now() where id = ?`, [waiting]);
    assert.equal((await removeAll()).events, 3);
    const resent = await makeUser({ count: 2, old: 2 });
    const pending = { state: 'pending', sequence: 1, next_attempt_at: new Date() };
    await addDelivery(resent, { ...pending, created_at: new Date(monthAgo.getTime() - 60_000) });
    assert.equal((await removeAll()).events, 2, 'who asks for it again keeps nothing');
    const over = await makeUser({ count: 2, old: 2 });
    await addDelivery(over, { state: 'pending', sequence: 1, next_attempt_at: new Date() });
    await sql('update webhooks set is_enabled = false where user_id = ?', [over]);
    assert.equal((await removeAll()).events, 2, 'nothing is sent to who is disabled');
  });

  it('is the log of deliveries that ended a month ago, links that ran out, and notices that nothing changed', async () => {
    const user = await makeUser({ count: 1, old: 0 });
    const old = new Date(monthAgo.getTime() - 60_000);
    const gone = await addDelivery(user, { state: 'failed', sequence: 1, ended_at: old });
    const kept = await addDelivery(user, { state: 'failed', sequence: 1, ended_at: new Date() });
    for (const [expires, chat] of [
      ['-2 days', null],
      ['-3 days', null],
      ['-2 days', '1'],
      ['-90 days', '2'],
      ['-1 hour', null],
      ['1 hour', null],
    ])
      await sql(
        `insert into telegram_links (id, user_id, bot, code_hash, expires_at, chat, linked_at, created_at)
         values (?, ?, '1', ?, now() + ?::interval, ?, ?, now())`,
        [newId(), user, newId(), expires, chat, chat && old],
      );
    for (const updated of [old, new Date()])
      await sql(
        `insert into telegram_notices (id, user_id, bot, chat, object_type, object_id, event_id, created_at, updated_at)
         values (?, ?, '1', '1', 'video', ?, ?, ?, ?)`,
        [newId(), user, newId(), newId(), old, updated],
      );
    const expected = { events: 0, webhookDeliveries: 1, telegramLinks: 2, telegramNotices: 1 };
    assert.deepEqual(await db.eventRetention.countOld(monthAgo), expected);
    assert.deepEqual(await removeAll(), expected);
    for (const chat of ['1', '2']) assert.ok(await db.telegramLinks.hasLinked(user, '1', chat), 'no proof');
    const attempts = await sql<{ id: string }>(
      'select delivery_id as id from webhook_attempts where delivery_id in (?)',
      [[gone, kept]],
    );
    assert.deepEqual(
      attempts.map(({ id }) => id),
      [kept, kept],
    );
  });
});
