import { Context } from '@temporalio/activity';
import type { ActivityDeps } from './index.ts';

/** Bytes that no row speaks of for this long were left behind by a death, and are removed. */
const ORPHAN_AGE_MS = 48 * 3600 * 1000;
/** More orphans than deaths can explain: perhaps the database was restored, and the files are wanted. */
const MOST_ORPHANS = 100;
const BATCH = 100;

const about = { module: 'activities' };

/** Removing stored files: those of deleted videos, and those that nobody owns. */
export function createStorageActivities({ db, storage, log }: ActivityDeps) {
  async function removeOrphan(key: string): Promise<void> {
    try {
      await storage.remove(key);
      log.info({ ...about, key }, 'an object without a row was removed');
    } catch (error) {
      // Not made by us, it seems; it must not keep the sweep from the others.
      log.warn({ ...about, key, err: error }, 'an object without a row could not be removed');
    }
  }

  return {
    async removeVideoFiles({ videoId }: { videoId: string }): Promise<void> {
      const source = await db.reconciliation.sourceKeyOfDeleted(videoId);
      if (source) await storage.remove(source);
      Context.current().heartbeat();
      await storage.remove(`assets/${videoId}/`);
    },

    /** Removes sources and assets that no row speaks of: an upload or a worker died over them. */
    async sweepStorage(): Promise<void> {
      const orphans: string[] = [];
      for (const prefix of ['sources/', 'assets/']) {
        for await (const keys of inBatches(
          storage.listOlderThan(prefix, new Date(Date.now() - ORPHAN_AGE_MS)),
        )) {
          Context.current().heartbeat();
          const known = await db.reconciliation.keysInUse(keys);
          orphans.push(...keys.filter((key) => !known.has(key)));
          if (orphans.length > MOST_ORPHANS)
            return log.warn(about, 'too many objects without a row: none is removed');
        }
      }
      for (const key of orphans) await removeOrphan(key);
    },
  };
}

async function* inBatches(keys: AsyncIterable<string>): AsyncIterable<string[]> {
  let batch: string[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
