import { z } from 'zod';
import type { Share } from '../db/entities/share.ts';

const instant = z.iso.datetime();

export const shareFields = {
  id: z.uuid(),
  video_id: z.uuid(),
  status: z.enum(['active', 'expired', 'revoked', 'used_up']),
  created_at: instant,
  expires_at: instant,
  revoked_at: instant.nullable(),
  max_views: z.int().nullable(),
  views: z.int().meta({ description: 'Players and downloads that got bytes, each counted once' }),
  allow_download: z.boolean(),
};
export const shareSchema = z.strictObject(shareFields).meta({ id: 'Share' });

function statusOf({ revokedAt, expiresAt, maxViews, views }: Share): z.output<typeof shareSchema>['status'] {
  if (revokedAt) return 'revoked';
  if (expiresAt.getTime() <= Date.now()) return 'expired';
  return typeof maxViews === 'number' && views >= maxViews ? 'used_up' : 'active';
}

/** Gives a share as the API shows it; never its addresses, which are not kept. */
export const toShareView = (share: Share): z.output<typeof shareSchema> => ({
  id: share.id,
  video_id: share.video.id,
  status: statusOf(share),
  created_at: share.createdAt.toISOString(),
  expires_at: share.expiresAt.toISOString(),
  revoked_at: share.revokedAt?.toISOString() ?? null,
  max_views: share.maxViews ?? null,
  views: share.views,
  allow_download: share.allowDownload,
});
