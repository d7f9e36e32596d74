import pg from 'pg';
import { createDb, type Db } from '../../src/db/index.ts';
import { testDatabase } from './stack.ts';

export interface PostWorld {
  db: Db;
  databaseUrl: string;
  /** Asks the database directly, past everything of ours. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of every shape
  sql(text: string, values?: unknown[]): Promise<any[]>;
  /** Whether anybody waits for a lock in it. */
  isAnyoneWaiting(): Promise<boolean>;
  close(): Promise<void>;
}

/** A database of its own, and what looks into it. */
export async function makePostWorld(poolMax = 4): Promise<PostWorld> {
  const database = await testDatabase();
  const db = await createDb({ databaseUrl: database.url, poolMax });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const sql: PostWorld['sql'] = async (text, values) => (await client.query(text, values)).rows;
  return {
    db,
    databaseUrl: database.url,
    sql,
    isAnyoneWaiting: async () => {
      const rows = await sql(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    },
    close: async () => {
      await client.end();
      await db.close();
      await database.drop();
    },
  };
}
