import type { Config } from '../../config.ts';
import type { QuotaLimits } from '../../db/uploads.ts';
import { DiskFullError } from '../../errors.ts';
import type { RouteDeps, RouteRequest } from '../route.ts';
import { assertLengthWithin } from './bodyChunks.ts';

/** What one user may have, by the configuration. */
export const quotaLimits = (config: Config): QuotaLimits => ({
  maxOpenUploads: config.MAX_OPEN_UPLOADS,
  quotaBytes: config.QUOTA_BYTES,
});

interface Announcement {
  /** How much of the body may be something else than the file. */
  aroundBytes: number;
}

/**
 * Refuses a body by its announced length, before any of it is read, that is larger than a video may be or than the
 * disk may take.
 *
 * @throws HttpProblem `too_large`; DiskFullError
 */
export async function assertBodyFits(
  { ctx, deps }: RouteRequest,
  { aroundBytes }: Announcement,
): Promise<void> {
  assertLengthWithin(ctx, deps.config.MAX_UPLOAD_BYTES + aroundBytes);
  await assertDiskTakes(deps, ctx.request.length ?? 0);
}

/** Refuses bytes that would leave less of the disk free than is to stay free. @throws DiskFullError */
export async function assertDiskTakes({ config, storage }: RouteDeps, bytes: number): Promise<void> {
  const free = await storage.freeBytes();
  if (free !== null && free - bytes < config.MIN_FREE_BYTES) throw new DiskFullError();
}

/**
 * Refuses a body by its announced length that its sender has no room for. A repetition stores nothing more, so it
 * may have its answer when the room is used up.
 *
 * @throws QuotaExceededError
 */
export async function assertRoomLeft(
  { ctx, deps, user, idempotency }: RouteRequest,
  { aroundBytes }: Announcement,
): Promise<void> {
  if (idempotency.isAnswered) return;
  const fileBytes = Math.max(0, (ctx.request.length ?? 0) - aroundBytes);
  await deps.db.uploads.assertRoom(user.id, fileBytes, quotaLimits(deps.config));
}
