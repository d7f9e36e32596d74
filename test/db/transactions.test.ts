import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { recognise } from '../../activities/failures.ts';
import { User } from '../../src/db/entities/user.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { isDatabaseOutage } from '../../src/db/outage.ts';
import { toProblem } from '../../src/http/problems.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';

describe('transactions', () => {
  let database: TestDatabase;
  let orm: MikroORM;
  let db: Db;
  let admin: pg.Client;
  let userId: string;

  before(async () => {
    database = await testDatabase();
    orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    db = await createDb({ databaseUrl: database.url, poolMax: 2 });
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    const em = orm.em.fork();
    const user = { username: 'u', passwordHash: 'x', scopes: [] };
    userId = em.create(User, user as unknown as RequiredEntityData<User>).id;
    await em.flush();
  });
  after(async () => {
    await admin?.end();
    await Promise.all([db?.close(), orm?.close()]);
    await database?.drop();
  });

  const addEntry = (title: string) =>
    db.videos.insertEntry({
      ...{ userId, userLabel: null, externalId: null, title, description: null, tags: [], filename: null },
    });
  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => assert.fail('it did not fail'),
      (error: unknown) => error,
    );

  it('take a counter of events that is held for too long for trouble of the database, and leave nothing', async function () {
    this.timeout(20_000);
    await addEntry('first');
    await admin.query('begin');
    await admin.query('select * from feeds where user_id = $1 for update', [userId]);
    const askedAt = Date.now();
    const error = await failureOf(addEntry('held up'));
    const waitedMs = Date.now() - askedAt;
    assert.ok(waitedMs >= 4500 && waitedMs < 9000, `waited ${waitedMs} ms`);
    assert.equal(recognise(error)?.code, 'database_unavailable');
    assert.equal(recognise(error)?.retryClass, 'outside');
    assert.equal(toProblem(error).code, 'database_unavailable');
    await admin.query('rollback');
    await addEntry('last');
    const { rows } = await admin.query('select title from videos order by id');
    assert.deepEqual(
      rows.map(({ title }) => title),
      ['first', 'last'],
    );
    const events = await admin.query('select sequence::int from events order by sequence');
    assert.deepEqual(
      events.rows.map(({ sequence }) => sequence),
      [1, 2],
    );
  });

  /** On the only connection that there may be: without its place in the pool nothing would ever be answered again. */
  async function loseThrice(lose: (tx: EntityManager, pid: number) => Promise<unknown>): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      const error = await failureOf(
        orm.em.fork().transactional(async (tx) => {
          const [row] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
          await lose(tx, row?.pid ?? 0);
          await delay(200);
          await tx.execute('select 1');
        }),
      );
      assert.ok(isDatabaseOutage(error), String(error));
      assert.deepEqual(await orm.em.fork().execute('select 1 as alive'), [{ alive: 1 }]);
    }
  }

  it('that lose their connection give back its place in the pool', () =>
    loseThrice((_, pid) => admin.query('select pg_terminate_backend($1)', [pid])));

  it('that stand still for too long do so too', () =>
    loseThrice((tx) => tx.execute('set local idle_in_transaction_session_timeout = 50')));

  it('wait for locks for 5 s, and may stand still for 30 s', async () => {
    const [row] = await orm.em
      .fork()
      .execute(
        `select current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`,
      );
    assert.deepEqual(row, { lock: '5s', idle: '30s' });
  });
});
