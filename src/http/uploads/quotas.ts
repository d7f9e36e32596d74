import type { Config } from '../../config.ts';
import type { QuotaLimits } from '../../db/uploads.ts';
import { DiskFullError } from '../../errors.ts';
import type { RouteRequest } from '../route.ts';
import { assertLengthWithin } from './bodyChunks.ts';

/** What one user may have, by the configuration. */
export const quotaLimits = (config: Config): QuotaLimits => ({
  maxOpenUploads: config.MAX_OPEN_UPLOADS,
  quotaBytes: config.QUOTA_BYTES,
});

/**
 * Refuses a body by its announced length before any of it is read: too large, beyond the user's quota, or more
 * than the disk may take. What is not announced is found out while it comes.
 *
 * @param aroundBytes how much of the body may be something else than the file
 * @throws HttpProblem `too_large`; QuotaExceededError; DiskFullError
 */
export async function assertAnnouncedFits(
  { ctx, deps, user, idempotency }: RouteRequest,
  { aroundBytes }: { aroundBytes: number },
): Promise<void> {
  const { config, db, storage } = deps;
  const announcedBytes = ctx.request.length ?? 0;
  assertLengthWithin(ctx, config.MAX_UPLOAD_BYTES + aroundBytes);
  const free = await storage.freeBytes();
  if (free !== null && free - announcedBytes < config.MIN_FREE_BYTES) throw new DiskFullError();
  // A repetition stores nothing more, so it may have its answer when the room is used up.
  if (idempotency.isAnswered) return;
  await db.uploads.assertRoom(user.id, Math.max(0, announcedBytes - aroundBytes), quotaLimits(config));
}
