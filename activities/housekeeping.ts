import type { HousekeepingReport, RemovedRows } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, withPulse } from './longWork.ts';
import type { Pass } from './orphans.ts';

/** So long an upload's own workflow has for ending it. */
const OVERDUE_MS = 60_000;

/** What housekeeping does beside looking for orphans. Everything here may be repeated at any time. */
export function createHousekeepingActivities({ db, flows, scratch, log: root }: ActivityDeps) {
  const log = root.child({ module: 'housekeeping' });

  return {
    countOverdueUploads: ({ seenAt }: Pass): Promise<number> =>
      db.housekeeping.countOverdueUploads(overdueBefore(seenAt)),

    /** Makes sure that the workflows of uploads whose time is over look at them. @returns how many there are */
    endOverdueUploads: ({ seenAt }: Pass): Promise<number> =>
      withPulse(async () => {
        let found = 0;
        let after: string | null = null;
        for (;;) {
          const uploads = await db.housekeeping.listOverdueUploads(overdueBefore(seenAt), after);
          const last = uploads.at(-1);
          if (!last) return found;
          for (const upload of uploads) {
            endIfCancelled();
            await flows.receiveUpload(upload);
          }
          found += uploads.length;
          after = last.uploadId;
        }
      }),

    /** Removes rows that nobody may ask for any more; a dry run only counts them. */
    removeEndedRows: ({ dryRun }: { dryRun: boolean }): Promise<RemovedRows> =>
      dryRun ? countEndedRows() : withPulse(removeEndedRows),

    /** Removes what workers left that are gone, on this machine only. @returns how many folders */
    sweepScratch: (): Promise<number> => scratch.sweep(),

    /** Writes the report into the log. */
    async logHousekeeping(report: HousekeepingReport): Promise<void> {
      if (report.orphans?.stopped)
        log.warn({ report }, 'there are too many objects without a row: none is removed without force');
      else if (report.failures.length > 0) log.warn({ report }, 'housekeeping is done in part');
      else log.info({ report }, 'housekeeping is done');
    },
  };

  async function countEndedRows(): Promise<RemovedRows> {
    const { uploads, segments } = await db.housekeeping.countEnded();
    return {
      uploads,
      uploadSegments: segments,
      idempotencyKeys: await db.idempotency.countExpired(),
      rateLimits: await db.housekeeping.countRateLimits(Date.now()),
    };
  }

  async function removeEndedRows(): Promise<RemovedRows> {
    const removed = {
      uploads: 0,
      uploadSegments: 0,
      idempotencyKeys: await db.idempotency.removeExpired(),
      rateLimits: await db.housekeeping.removeRateLimits(Date.now()),
    };
    for (;;) {
      endIfCancelled();
      const { uploads, segments } = await db.housekeeping.removeEnded();
      removed.uploads += uploads;
      removed.uploadSegments += segments;
      if (uploads + segments === 0) return removed;
    }
  }
}

const overdueBefore = (seenAt: string): Date => new Date(Date.parse(seenAt) - OVERDUE_MS);
