import assert from 'node:assert/strict';
import pg from 'pg';
import type { FeedFilter } from '../../src/db/eventFeed.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { numbers } from '../support/happenings.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';

const COUNT = 30_000;

describe('a long feed', () => {
  let database: TestDatabase;
  let db: Db;
  let userId: string;
  const [early, late] = [newId(), newId()];

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url, poolMax: 2 });
    const account = { username: uniqueName('user'), passwordHash: 'none', name: null, scopes: [] };
    userId = (await db.users.insert(account)).id;
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    await admin.query('alter table events disable trigger number_event');
    await admin.query(
      `insert into events (id, user_id, sequence, type, object_type, object_id, video_id, data, created_at)
       select gen_random_uuid(), $1, n, 'step.running', 'step', $1,
         case when n <= 3 then $2::uuid when n > $4 - 7 then $3::uuid else gen_random_uuid() end, '{}', now()
       from generate_series(1, $4::int) n`,
      [userId, early, late, COUNT],
    );
    await admin.query('insert into feeds (user_id, last_sequence) values ($1, $2)', [userId, COUNT]);
    await admin.query('alter table events enable trigger number_event');
    await admin.end();
  });
  after(async () => {
    await db?.close();
    await database?.drop();
  });

  /** Reads to the end. @returns what was told, and in how many statements */
  async function readAll(filter: Pick<FeedFilter, 'types' | 'videoId' | 'limit'>) {
    const told: (number | null | undefined)[] = [];
    for (let reads = 1, afterSequence = 0; ; reads += 1) {
      const page = await db.events.list(userId, { ...filter, afterSequence });
      told.push(...page.events.map(({ sequence }) => sequence));
      afterSequence = page.lookedToSequence;
      if (afterSequence === page.lastSequence) return { told, reads };
    }
  }

  it('is not walked for the events of one video', async () => {
    for (const [videoId, limit, told, reads] of [
      [late, 50, numbers(COUNT - 6, COUNT), 1],
      [late, 5, numbers(COUNT - 6, COUNT), 2],
      [early, 3, numbers(1, 3), 2],
      [newId(), 50, [], 1],
    ] as const)
      assert.deepEqual(await readAll({ types: [], videoId, limit }), { told, reads });
    assert.deepEqual(await readAll({ types: ['video.*'], videoId: late, limit: 5 }), { told: [], reads: 1 });
  });

  it('is looked at in pieces for a type that is rare', async () => {
    assert.deepEqual(await readAll({ types: ['video.*'], videoId: null, limit: 50 }), { told: [], reads: 3 });
  });
});
