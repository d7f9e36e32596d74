import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createDb } from '../../src/db/index.ts';
import { migrate, SchemaMismatchError } from '../../src/db/migrate.ts';
import { openOrm } from '../../src/db/orm.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';

const snapshot = () => readFileSync(new URL('../../src/db/migrations/schema.json', import.meta.url), 'utf8');

describe('migrations', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await testDatabase();
  });
  afterEach(() => database.drop());

  /** Runs statements as an operator would, past everything of ours. */
  async function execute(statement: string): Promise<void> {
    const orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    try {
      await orm.em.fork().execute(statement);
    } finally {
      await orm.close();
    }
  }

  it('lead to the entities as they are: nothing is left to migrate', async () => {
    const orm = await openOrm({ databaseUrl: database.url, poolMax: 2 });
    try {
      assert.equal(
        await orm.migrator.checkSchema(),
        false,
        'node src/db/createMigration.ts writes what is missing',
      );
      assert.equal(
        (await orm.schema.getUpdateSchemaSQL()).trim(),
        '',
        'what the migrations make differs from the entities',
      );
    } finally {
      await orm.close();
    }
  });

  it('run once however many processes start, and write nothing into the sources', async () => {
    await execute('drop schema public cascade; create schema public');
    const before = snapshot();
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.url)));
    assert.equal(applied.filter((names) => names.length > 0).length, 1);
    assert.deepEqual(await migrate(database.url), []);
    assert.equal(snapshot(), before);
  });

  it('are asked for when they are missing, and refused when they are not ours', async () => {
    const open = () => createDb({ databaseUrl: database.url, poolMax: 1 }).then((db) => db.close());
    await open();
    await execute(`insert into mikro_orm_migrations (name) values ('Migration29991231000000')`);
    await assert.rejects(open(), SchemaMismatchError);
    await execute(`delete from mikro_orm_migrations`);
    await assert.rejects(open(), SchemaMismatchError);
  });
});
