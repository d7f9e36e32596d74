import assert from 'node:assert/strict';
import type { RequiredEntityData } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { User } from '../../src/db/entities/user.ts';
import { tell } from '../../src/db/events.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { readOn } from '../support/readOn.ts';
import { seededRandom, type TestDatabase, testDatabase } from '../support/stack.ts';

const WRITERS = 20;
const TRANSACTIONS = process.env.CAMPAIGN ? 500 : 40;

describe('the numbers of one user’s events', () => {
  let database: TestDatabase;
  let orm: MikroORM;
  let db: Db;
  let userId: string;

  before(async () => {
    database = await testDatabase();
    orm = await openOrm({ databaseUrl: database.url, poolMax: WRITERS });
    db = await createDb({ databaseUrl: database.url, poolMax: 2 });
    const em = orm.em.fork();
    const user = { username: 'u', passwordHash: 'x', scopes: [] };
    userId = em.create(User, user as unknown as RequiredEntityData<User>).id;
    await em.flush();
  });
  after(async () => {
    await Promise.all([db?.close(), orm?.close()]);
    await database?.drop();
  });

  const makeEvents = (count: number) =>
    Array.from({ length: count }, () => ({
      ...{ userId, type: 'video.updated' as const, object: { type: 'video' as const, id: newId() } },
      ...{ videoId: null, data: {} },
    }));
  class Undone extends Error {}
  const undo = () => {
    throw new Undone();
  };
  const unlessUndone = (error: unknown): void => {
    if (!(error instanceof Undone)) throw error;
  };

  it('are one row without a gap to whoever reads on, whatever twenty writers commit and roll back at once', async function () {
    this.timeout(process.env.CAMPAIGN ? 120_000 : 30_000);
    const committed = new Set<string>();
    const random = seededRandom('hot counter');
    const write = async (): Promise<void> => {
      const [events, inner] = [makeEvents(random.int(1, 3)), makeEvents(random.int(0, 2))];
      const [isUndone, isInnerUndone] = [random.next() < 0.2, random.next() < 0.5];
      await orm.em
        .fork()
        .transactional(async (tx) => {
          await tell(tx, events);
          await tx
            .transactional(async (savepoint) => {
              await tell(savepoint, inner);
              if (isInnerUndone) undo();
            })
            .catch(unlessUndone);
          if (isUndone) undo();
        })
        .then(() => {
          for (const { object } of [...events, ...(isInnerUndone ? [] : inner)]) committed.add(object.id);
        })
        .catch(unlessUndone);
    };
    const reader = readOn(db, userId);
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        for (let n = 0; n < TRANSACTIONS; n += 1) await write();
      }),
    );
    const read = await reader.end();
    assert.deepEqual(new Set(read.map(({ objectId }) => objectId)), committed);
    assert.equal(read.length, committed.size);
    assert.ok(reader.pages() >= 10, `only ${reader.pages()} pages were read meanwhile`);
  });
});
