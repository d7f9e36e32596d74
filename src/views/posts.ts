import { z } from 'zod';
import type { Post } from '../db/entities/post.ts';
import type { Target } from '../db/entities/target.ts';
import { PLATFORMS } from '../domain/platform.ts';
import { POST_STATUSES, POST_TIMINGS, TARGET_STATES } from '../domain/post.ts';
import { toLocalTime } from '../domain/timeZone.ts';
import { failureSchema, toFailure } from './videos.ts';

const instant = z.iso.datetime();

export const targetSchema = z
  .strictObject({
    platform: z.enum(PLATFORMS),
    state: z.enum(TARGET_STATES),
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    percent: z.int().min(0).max(100),
    sent_bytes: z.int().nullable(),
    total_bytes: z.int().nullable(),
    external_id: z.string().nullable(),
    url: z.string().nullable(),
    evidence: z.string().nullable().meta({ description: 'What the state rests on' }),
    error: failureSchema.nullable(),
  })
  .meta({ id: 'Target', description: 'One platform of a post' });

export const warningSchema = z
  .strictObject({ code: z.string(), message: z.string(), platform: z.enum(PLATFORMS).nullable() })
  .meta({ id: 'PostWarning', description: 'Something to know, that keeps nothing from being done' });

const postFields = {
  id: z.uuid(),
  video_id: z.uuid(),
  account_id: z.uuid(),
  user_id: z.string().nullable().meta({ description: "The end user in the caller's own system" }),
  status: z.enum(POST_STATUSES).meta({ description: 'Follows from the targets' }),
  title: z.string(),
  description: z.string().nullable(),
  platforms: z.array(z.enum(PLATFORMS)),
  params: z.record(z.string(), z.unknown()),
  scheduled_at: instant.meta({
    description: 'When it is to go out; of a post that is to go out at once, when it was asked for',
  }),
  timing: z
    .enum(POST_TIMINGS)
    .meta({ description: 'At once, at a time that was given, or in a slot of the account' }),
  timezone: z.string().meta({ description: 'The zone that `scheduled_at` was read in' }),
  local_time: z.string().nullable().meta({
    description:
      'When it is to go out by the clocks of that zone, to the minute; null where the zone is not known (any more)',
    example: '2027-03-28T09:00',
  }),
  notify: z.literal('telegram').nullable(),
  posted_at: instant.nullable(),
  warnings: z.array(warningSchema),
  targets: z.array(targetSchema),
  created_at: instant,
  updated_at: instant,
};
export const postSchema = z
  .strictObject(postFields)
  .meta({ id: 'Post', description: 'One video, by one account, at one time' });

const toTime = (time: Date | null | undefined): string | null => time?.toISOString() ?? null;

/** Gives the targets in the order of the platforms. */
export const targetsOf = (post: Post): Target[] =>
  [...post.targets].sort((a, b) => PLATFORMS.indexOf(a.platform) - PLATFORMS.indexOf(b.platform));

/** Gives one platform of a post as the API shows it. */
export const toTargetView = (target: Target): z.output<typeof targetSchema> => ({
  platform: target.platform,
  state: target.state,
  attempts: target.attempts,
  next_attempt_at: toTime(target.nextAttemptAt),
  percent: target.percent,
  sent_bytes: target.sentBytes ?? null,
  total_bytes: target.totalBytes ?? null,
  external_id: target.externalId ?? null,
  url: target.url ?? null,
  evidence: target.evidence ?? null,
  error: toFailure(target),
});

/** Gives a post, with its targets loaded, as the API shows it. */
export function toPostView(post: Post): z.output<typeof postSchema> {
  const targets = targetsOf(post);
  return {
    id: post.id,
    video_id: post.videoId,
    account_id: post.account.id,
    user_id: post.userLabel ?? null,
    status: post.status,
    title: post.title,
    description: post.description ?? null,
    platforms: targets.map(({ platform }) => platform),
    params: post.params,
    scheduled_at: post.dueAt.toISOString(),
    timing: post.timing,
    timezone: post.timeZone,
    local_time: toLocalTime(post.dueAt, post.timeZone),
    notify: post.notify ?? null,
    posted_at: toTime(post.postedAt),
    warnings: post.warnings,
    targets: targets.map(toTargetView),
    created_at: post.createdAt.toISOString(),
    updated_at: post.updatedAt.toISOString(),
  };
}
