import { Context } from '@temporalio/activity';
import type { Config } from '../src/config.ts';
import { type OldTellings, TELLINGS } from '../src/db/eventRetention.ts';
import { sourceUrlPlace } from '../src/domain/sealedPlaces.ts';
import { uploadPrefix, uploadSourceKey } from '../src/domain/upload.ts';
import type { EndedUploads, HousekeepingReport, RemovedRows } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, withPulse } from './longWork.ts';
import type { Pass } from './orphans.ts';

/** So long an upload's own workflow has for ending it. */
const OVERDUE_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;
const MONTH_MS = 30 * DAY_MS;
const monthAgo = (): Date => new Date(Date.now() - MONTH_MS);

/** What housekeeping does beside looking for orphans. Everything here may be repeated at any time. */
export function createHousekeepingActivities(deps: ActivityDeps) {
  const { db, scratch, storage, config, log: root } = deps;
  return {
    /**
     * Ends uploads whose time is over although nobody ended them, as their own workflows do; a dry run only counts
     * them. One that somebody begins to write to at this moment is none of them.
     */
    endOverdueUploads: ({ seenAt, dryRun }: Pass & { dryRun: boolean }): Promise<EndedUploads> =>
      withPulse(async (tell: (counts: EndedUploads) => void) => {
        const before = new Date(Date.parse(seenAt) - OVERDUE_MS);
        if (dryRun) return { found: await db.housekeeping.countOverdueUploads(before), ended: 0 };
        const counts = { found: 0, ended: 0, ...Context.current().info.heartbeatDetails };
        for await (const uploadId of listOverdue(before)) {
          endIfCancelled();
          if (!(await endOverdue(uploadId))) continue;
          counts.found += 1;
          counts.ended += 1;
          tell(counts);
        }
        return counts;
      }),

    /**
     * Removes rows that nobody may ask for any more, and secrets that are not to lie about; a dry run only counts the
     * rows.
     */
    removeEndedRows: ({ dryRun }: { dryRun: boolean }): Promise<RemovedRows> =>
      withPulse(dryRun ? () => countEndedRows({ db, config }) : removeEndedRows),

    /** Removes what workers left that are gone, on this machine only. @returns how many folders */
    sweepScratch: (): Promise<number> => withPulse(() => scratch.sweep()),

    /** Writes the report into the log. */
    async logHousekeeping(report: HousekeepingReport): Promise<void> {
      const log = root.child({ module: 'housekeeping' });
      if (report.orphans?.stopped)
        log.warn({ report }, 'there are too many objects without a row: none is removed without force');
      else if (report.failures.length > 0) log.warn({ report }, 'housekeeping is done in part');
      else log.info({ report }, 'housekeeping is done');
    },
  };

  async function* listOverdue(before: Date): AsyncIterable<string> {
    let after: string | undefined;
    do {
      const ids = await db.housekeeping.listOverdueUploads(before, after ?? null);
      yield* ids;
      after = ids.at(-1);
    } while (after !== undefined);
  }

  async function endOverdue(uploadId: string): Promise<boolean> {
    await db.uploadHandover.expire(uploadId);
    if (!(await db.housekeeping.isExpired(uploadId))) return false;
    await db.uploadHandover.eraseVideo(uploadId);
    await storage.remove(uploadPrefix(uploadId));
    await storage.remove(uploadSourceKey(uploadId));
    await db.uploadHandover.noteCleared(uploadId);
    return true;
  }

  async function removeEndedRows(): Promise<RemovedRows> {
    await db.housekeeping.removeExpiredSecrets();
    await sealSources(deps);
    const removed = {
      uploads: 0,
      uploadSegments: 0,
      idempotencyKeys: await db.idempotency.removeExpired(),
      rateLimits: await db.housekeeping.removeRateLimits(Date.now()),
      shareSessions: await db.shares.removeOldSessions(),
      pictures: await removeUnused(storage, db.pictures),
      sounds: await removeUnused(storage, db.sounds),
      captions: 0,
      ...(await removeOldTellings({ db, config })),
    };
    for (;;) {
      endIfCancelled();
      const { uploads, segments } = await db.housekeeping.removeEnded();
      const captions = await db.captions.removeOld();
      removed.uploads += uploads;
      removed.uploadSegments += segments;
      removed.captions += captions;
      if (uploads + segments + captions === 0) return removed;
    }
  }
}

/** Once for each: what is written today is sealed. */
async function sealSources({ db, sealer }: Pick<ActivityDeps, 'db' | 'sealer'>): Promise<void> {
  for (;;) {
    const plain = await db.housekeeping.listPlainSources();
    for (const source of plain) {
      endIfCancelled();
      await db.housekeeping.keepSealed(source, sealer.seal(source.url, sourceUrlPlace(source.id)));
    }
    if (plain.length === 0) return;
  }
}

const endOfRetention = ({ EVENTS_RETENTION_DAYS }: Pick<Config, 'EVENTS_RETENTION_DAYS'>): Date =>
  new Date(Date.now() - EVENTS_RETENTION_DAYS * DAY_MS);

async function removeOldTellings({ db, config }: Pick<ActivityDeps, 'db' | 'config'>): Promise<OldTellings> {
  const before = endOfRetention(config);
  const removed = { events: 0, webhookDeliveries: 0, telegramLinks: 0, telegramNotices: 0 };
  for (const kind of TELLINGS) {
    let count: number;
    do {
      endIfCancelled();
      count = await db.eventRetention.removeOld(kind, before);
      removed[kind] += count;
    } while (count > 0);
  }
  return removed;
}

async function countEndedRows({ db, config }: Pick<ActivityDeps, 'db' | 'config'>): Promise<RemovedRows> {
  const { uploads, segments } = await db.housekeeping.countEnded();
  return {
    uploads,
    uploadSegments: segments,
    idempotencyKeys: await db.idempotency.countExpired(),
    rateLimits: await db.housekeeping.countRateLimits(Date.now()),
    shareSessions: await db.shares.countOldSessions(),
    pictures: await db.pictures.countUnused(monthAgo()),
    sounds: await db.sounds.countUnused(monthAgo()),
    captions: await db.captions.countOld(),
    ...(await db.eventRetention.countOld(endOfRetention(config))),
  };
}

async function removeUnused(
  storage: ActivityDeps['storage'],
  files: Pick<ActivityDeps['db']['pictures'], 'removeUnused'>,
): Promise<number> {
  let removed = 0;
  for (;;) {
    endIfCancelled();
    const keys = await files.removeUnused(monthAgo());
    // What cannot be removed now is an orphan from here on.
    for (const key of keys) await storage.remove(key);
    removed += keys.length;
    if (keys.length === 0) return removed;
  }
}
