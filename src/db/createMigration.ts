import { openOrm } from './orm.ts';

/**
 * Writes the migration that leads from the last one to the entities as they are now. Run by hand:
 * `DATABASE_URL=… node src/db/createMigration.ts` (see README, "How to add a migration").
 */
const orm = await openOrm({ databaseUrl: process.env.DATABASE_URL ?? '' });
try {
  const { fileName } = await orm.migrator.create();
  process.stdout.write(fileName ? `wrote ${fileName}\n` : 'nothing to change\n');
} finally {
  await orm.close();
}
