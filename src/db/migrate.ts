import { readdir } from 'node:fs/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { openOrm } from './orm.ts';

/** The database's schema is not the one this program was written for. */
export class SchemaMismatchError extends Error {
  override readonly name = 'SchemaMismatchError';
  readonly code = 'schema_mismatch';
}

/**
 * Brings the database to this program's schema. Safe to run from several processes at once: an
 * advisory lock lets one migrate while the others wait, since the migrator itself has no lock.
 *
 * @returns the names of the migrations that were applied now
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const orm = await openOrm({ databaseUrl, poolMax: 3, isPatient: true });
  try {
    return await orm.em.fork().transactional(async (em) => {
      await em.execute(`select pg_advisory_xact_lock(hashtextextended('videoflow migrations', 0))`);
      const applied = await orm.migrator.up();
      return applied.map((migration) => migration.name);
    });
  } finally {
    await orm.close();
  }
}

/**
 * Refuses a database whose schema is older or newer than this program.
 *
 * @throws SchemaMismatchError saying which way it differs
 */
export async function assertSchema(orm: MikroORM): Promise<void> {
  const known = await knownMigrations();
  const executed = await executedMigrations(orm);
  const missing = known.filter((name) => !executed.includes(name));
  if (missing.length > 0) {
    throw new SchemaMismatchError(
      `The database lacks ${missing.length} migration(s): run the migrations first`,
    );
  }
  if (executed.some((name) => !known.includes(name))) {
    throw new SchemaMismatchError('The database was migrated by a newer videoflow than this one');
  }
}

async function knownMigrations(): Promise<string[]> {
  const files = await readdir(new URL('./migrations', import.meta.url));
  return files.filter((file) => /^Migration\w+\.ts$/.test(file)).map((file) => file.slice(0, -3));
}

async function executedMigrations(orm: MikroORM): Promise<string[]> {
  const [{ present }] = await orm.em
    .fork()
    .execute<[{ present: boolean }]>(`select to_regclass('mikro_orm_migrations') is not null as present`);
  if (!present) return [];
  const rows = await orm.em.fork().execute<{ name: string }[]>('select name from mikro_orm_migrations');
  return rows.map((row) => row.name);
}
