import { randomBytes } from 'node:crypto';
import { migrate } from '../db/migrate.ts';
import { openOrm } from '../db/orm.ts';

/** Gives the address of another database on the same server. */
export function withDatabase(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}

/** Runs one statement that cannot stand in a transaction, such as CREATE DATABASE. */
export async function runAdminStatement(adminUrl: string, statement: string): Promise<void> {
  const orm = await openOrm({ databaseUrl: adminUrl, poolMax: 1 });
  try {
    await orm.em.fork().execute(statement);
  } finally {
    await orm.close();
  }
}

/** Makes a migrated database for a test run to clone; gives its name. */
export async function createTemplateDatabase(
  adminUrl: string,
): Promise<{ name: string; drop(): Promise<void> }> {
  const name = `vf_template_${randomBytes(6).toString('hex')}`;
  await runAdminStatement(adminUrl, `CREATE DATABASE ${name}`);
  await migrate(withDatabase(adminUrl, name));
  return { name, drop: () => runAdminStatement(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
