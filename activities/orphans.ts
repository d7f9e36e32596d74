import { Context } from '@temporalio/activity';
import type { OrphanCounts, StoppedRemoval } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, withPulse } from './longWork.ts';

/** Where objects of ours lie; what else a storage holds is none of our business. */
const PREFIXES = ['sources/', 'assets/', 'uploads/'];
const HOUR_MS = 3600 * 1000;
/** Whatever is written belongs to somebody long before it is this old. */
const ORPHAN_AGE_MS = 48 * HOUR_MS;
/** So far apart are the two passes that must have seen an orphan: longer than any two statements of ours. */
const SEEN_APART_MS = 10 * 60_000;
/** More orphans than deaths can explain: perhaps the database was restored, and the files are wanted. */
const MOST_ORPHANS = 100;
const MOST_SHARE = 0.05;
const BATCH = 500;
const SAMPLES = 5;

/** Later than anything was written. */
const EVER = new Date('9999-12-31T00:00:00Z');
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
/** Names of writes under way, which have no row yet, as `listOlderThan` gives them. */
const UNFINISHED = /\/\.[^/]*\.part$/;
/** Other hidden names: a file manager's, a file system's. */
const FOREIGN = /\/\.[^/]*(?<!\.part)$/;

export interface Pass {
  /** When the pass began, in ISO 8601; the same however often an activity is repeated. */
  seenAt: string;
}

export interface RemovedOrphans {
  removed: number;
  failed: number;
}

/** Objects that no row speaks of: found in one pass, found again in a later one, and then removed. */
export function createOrphanActivities({ db, storage, log: root }: ActivityDeps) {
  /** In batches, so that no more than one batch is held at a time. */
  async function* listObjects(before: Date): AsyncIterable<string[]> {
    for (const prefix of PREFIXES) yield* inBatches(storage.listOlderThan(prefix, before));
  }

  async function* listDue(seenAt: string): AsyncIterable<string> {
    const due = { seenAt: new Date(seenAt), firstSeenBy: firstSeenBy(seenAt) };
    let after: string | undefined;
    do {
      const keys = await db.housekeeping.listDueOrphans(due, after ?? null);
      yield* keys;
      after = keys.at(-1);
    } while (after !== undefined);
  }

  /** @returns whether it is gone; what cannot be removed must not keep the others */
  async function removeOrphan(key: string): Promise<boolean> {
    const log = root.child({ module: 'housekeeping' });
    try {
      await storage.remove(key);
      log.info({ key }, 'an object without a row was removed');
    } catch (error) {
      log.warn({ key, err: error }, 'an object without a row could not be removed');
      return false;
    }
    await db.housekeeping.forgetOrphan(key);
    return true;
  }

  return {
    /** Finds old objects that no row speaks of and, unless it only looks, remembers them for the next pass. */
    findOrphans: ({ seenAt, dryRun }: Pass & { dryRun: boolean }): Promise<OrphanCounts> =>
      withPulse(async () => {
        const counts: OrphanCounts = { listed: 0, seen: 0, due: 0, sampleIds: [] };
        for await (const keys of listObjects(new Date(Date.parse(seenAt) - ORPHAN_AGE_MS))) {
          endIfCancelled();
          const known = await db.housekeeping.keysInUse(keys);
          const orphans = keys.filter((key) => !known.has(key));
          counts.listed += keys.length;
          counts.seen += orphans.length;
          if (orphans.length === 0) continue;
          if (!dryRun) await db.housekeeping.rememberOrphans(orphans, new Date(seenAt));
          const due = await db.housekeeping.orphansFirstSeenBy(orphans, firstSeenBy(seenAt));
          counts.due += due.length;
          if (counts.sampleIds.length < SAMPLES) counts.sampleIds = sample([...counts.sampleIds, ...due]);
        }
        if (!dryRun) await db.housekeeping.forgetOrphansUnseenSince(new Date(seenAt));
        return counts;
      }),

    /**
     * Says why orphans must not be removed unasked; null when they may. All objects without a row count, the
     * young ones too: what a restored database does not know grows old little by little.
     */
    judgeOrphans: ({ due }: { due: number }): Promise<StoppedRemoval | null> =>
      withPulse(async () => {
        let [listed, unknown] = [0, 0];
        for await (const keys of listObjects(EVER)) {
          endIfCancelled();
          const mentioned = await db.housekeeping.keysMentioned(keys);
          listed += keys.length;
          unknown += keys.filter((key) => !mentioned.has(key) && !UNFINISHED.test(key)).length;
        }
        const count = Math.max(due, unknown);
        if (count > MOST_ORPHANS) return { reason: 'too_many', count };
        return count > listed * MOST_SHARE ? { reason: 'too_large_a_share', count } : null;
      }),

    /** Removes the orphans that two passes have seen, each after a last look at the rows. */
    removeOrphans: ({ seenAt }: Pass): Promise<RemovedOrphans> =>
      withPulse(async (tell: (counts: RemovedOrphans) => void) => {
        const counts = { removed: 0, failed: 0, ...Context.current().info.heartbeatDetails };
        for await (const key of listDue(seenAt)) {
          endIfCancelled();
          if ((await db.housekeeping.keysInUse([key])).has(key)) await db.housekeeping.forgetOrphan(key);
          else counts[(await removeOrphan(key)) ? 'removed' : 'failed'] += 1;
          tell(counts);
        }
        return counts;
      }),
  };
}

const firstSeenBy = (seenAt: string): Date => new Date(Date.parse(seenAt) - SEEN_APART_MS);

const sample = (keysOrIds: string[]): string[] =>
  [...new Set(keysOrIds.flatMap((text) => UUID.exec(text)?.[0] ?? []))].slice(0, SAMPLES);

async function* inBatches(keys: AsyncIterable<string>): AsyncIterable<string[]> {
  let batch: string[] = [];
  for await (const key of keys) {
    if (FOREIGN.test(key)) continue;
    batch.push(key);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
