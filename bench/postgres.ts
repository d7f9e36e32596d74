import { join } from 'node:path';
import { createPart } from '../src/local/part.ts';
import { preparePostgres } from '../src/local/postgres.ts';
import { openRunRecord } from '../src/local/runRecord.ts';
import { prepareDataDir } from '../src/local/stack.ts';
import { createTemplateDatabase, withDatabase } from '../src/local/templateDatabase.ts';

/** Gives a migrated database for a benchmark: on the server of DATABASE_URL, or on one of its own. */
export async function startDatabase(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env.DATABASE_URL;
  if (given) {
    const database = await createTemplateDatabase(given);
    return { url: withDatabase(given, database.name), stop: database.drop };
  }
  const dataDir = join(folder, 'postgres');
  prepareDataDir(dataDir);
  const say = () => undefined;
  const logFile = join(dataDir, 'logs', 'postgres.log');
  const prepared = await preparePostgres({
    dataDir,
    logFile,
    pinnedPort: undefined,
    isThrowAway: true,
    say,
    show: say,
  });
  const part = createPart(prepared.part, { record: openRunRecord(join(dataDir, 'run.json')), say });
  await part.start();
  const database = await createTemplateDatabase(prepared.url);
  return { url: withDatabase(prepared.url, database.name), stop: () => part.stop() };
}
