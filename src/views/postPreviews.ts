import { z } from 'zod';
import { FIXES } from '../domain/mediaLimits.ts';
import { PLATFORMS } from '../domain/platform.ts';
import { POST_TIMINGS, type PostTiming } from '../domain/post.ts';
import type { PostWarning } from '../domain/postParams.ts';
import { type PlatformCheck, type PostCheck, VERDICTS } from '../domain/preflight.ts';
import type { ResolvedTarget } from '../domain/publication.ts';
import { warningSchema } from './posts.ts';

const figure = z.union([z.number(), z.string()]).nullable();

const findingSchema = z
  .strictObject({
    code: z.string(),
    verdict: z.enum(VERDICTS),
    message: z.string().meta({ description: 'What there is, what the platform takes, and what to do' }),
    limit: figure,
    actual: figure,
    fix: z
      .enum(FIXES)
      .nullable()
      .meta({ description: 'How the video would have to be encoded anew: what was found wrong with it' }),
  })
  .meta({ id: 'PreflightFinding', description: 'What a platform would find of a post' });

const targetPreviewSchema = z
  .strictObject({
    platform: z.enum(PLATFORMS),
    verdict: z.enum(VERDICTS).meta({
      description:
        'The worst of the findings. `fixable`: the video does not fit as it is; `impossible`: the platform refuses this for certain, and so do we',
    }),
    findings: z.array(findingSchema),
    title: z.string().nullable().meta({ description: 'Beside the text, where the platform has a title' }),
    text: z.string().nullable().meta({ description: 'The caption or the description there' }),
    params: z.record(z.string(), z.unknown()).meta({
      description: "The provider's fields for this platform; marks of what a machine made included",
    }),
  })
  .meta({ id: 'TargetPreview', description: 'What one platform would get of a post, and say to it' });

export const postPreviewSchema = z
  .strictObject({
    account_id: z.uuid(),
    would_be: z.enum(['accepted', 'refused']),
    problem: z
      .strictObject({
        code: z.string(),
        title: z.string(),
        detail: z.string(),
        errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
      })
      .nullable()
      .meta({ description: 'What the post would be refused with' }),
    scheduled_at: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When it would go out; null where that cannot be said. Nobody keeps a slot' }),
    timing: z.enum(POST_TIMINGS),
    timezone: z.string().meta({ description: 'The zone of the account' }),
    warnings: z.array(warningSchema),
    media_checked: z.boolean().meta({
      description: 'False while nobody knows what is in the video: then the findings are on texts only',
    }),
    targets: z.array(targetPreviewSchema),
  })
  .meta({ id: 'PostPreview', description: 'What would become of a post of one account' });

/** What would become of a post, put together by whoever thought it through. */
export interface PostPreview {
  accountId: string;
  problem: {
    code: string;
    title: string;
    detail: string;
    errors?: { path: string; message: string }[];
  } | null;
  dueAt: Date | null;
  timing: PostTiming;
  timeZone: string;
  warnings: readonly PostWarning[];
  targets: readonly ResolvedTarget[];
  check: PostCheck;
}

const toTargetPreview = (
  { platform, title, text, params }: ResolvedTarget,
  check: PlatformCheck | undefined,
): z.output<typeof targetPreviewSchema> => ({
  platform,
  verdict: check?.verdict ?? 'ok',
  findings: check?.findings ?? [],
  title,
  text,
  params,
});

/** Gives what would become of a post as the API shows it. */
export const toPostPreviewView = (preview: PostPreview): z.output<typeof postPreviewSchema> => ({
  account_id: preview.accountId,
  would_be: preview.problem ? 'refused' : 'accepted',
  problem: preview.problem,
  scheduled_at: preview.dueAt?.toISOString() ?? null,
  timing: preview.timing,
  timezone: preview.timeZone,
  warnings: [...preview.warnings],
  media_checked: preview.check.isMediaChecked,
  targets: preview.targets.map((target) =>
    toTargetPreview(
      target,
      preview.check.platforms.find(({ platform }) => platform === target.platform),
    ),
  ),
});
