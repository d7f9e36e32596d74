/** What housekeeping is asked for, and what it reports; part of `contract.ts`, from which others have it. */
export interface HousekeepInput {
  /** Looks and counts, and changes nothing at all. */
  dryRun?: boolean;
  /** Removes orphans however many there are. */
  force?: boolean;
}

/** Why no orphan was removed: more than deaths explain, so perhaps the database was restored. */
export interface StoppedRemoval {
  reason: 'too_many' | 'too_large_a_share';
  count: number;
}

export interface EndedUploads {
  /** Uploads whose time was over and that nobody had ended. */
  found: number;
  ended: number;
}

export interface OrphanCounts {
  /** Objects that are old enough to be orphans. */
  listed: number;
  /** Those of them that no row speaks of. */
  seen: number;
  /** Those of them that an earlier pass had seen as well. */
  due: number;
  /** What some of the due ones belonged to: ids of videos or uploads. */
  sampleIds: string[];
}

/** Rows that were removed because their time was over; in a dry run, that would be. */
export interface RemovedRows {
  uploads: number;
  uploadSegments: number;
  idempotencyKeys: number;
  rateLimits: number;
  shareSessions: number;
  /** Of chosen times and sizes, that nobody asked for in a month; their files go with them. */
  pictures: number;
  /** Sound alone, the same. */
  sounds: number;
  captions: number;
  /** Not in reports of before there were any, as the others below. */
  events?: number;
  /** With every attempt at them. */
  webhookDeliveries?: number;
  telegramLinks?: number;
  telegramNotices?: number;
}

/** What one housekeeping did. A part is null when it failed (see `failures`) or was left out. */
export interface HousekeepingReport {
  id: string;
  dryRun: boolean;
  forced: boolean;
  startedAt: string;
  endedAt: string;
  expiredUploads: EndedUploads | null;
  orphans: (OrphanCounts & { removed: number; failed: number; stopped: StoppedRemoval | null }) | null;
  rows: RemovedRows | null;
  /** Folders of workers that are gone, on the machine that was asked; every worker sweeps its own each minute. */
  scratchFolders: number | null;
  failures: { part: string; code: string; message: string }[];
}
