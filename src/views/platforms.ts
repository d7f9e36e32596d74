import { z } from 'zod';
import type { LengthUnit } from '../domain/captionLimits.ts';
import { BREACHES, FIXES, MEDIA_FACTS, type MediaLimit } from '../domain/mediaLimits.ts';
import {
  PARAM_FIELDS,
  PARAM_SOURCES,
  PARAM_TYPES,
  type ParamField,
  SHARED_PARAM_FIELDS,
} from '../domain/paramFields.ts';
import { PLATFORMS, PLATFORMS_OF, type Platform, PROVIDERS } from '../domain/platform.ts';
import { PLATFORM_LIMITS, TAG_KINDS, type TextLimit } from '../domain/platformLimits.ts';

/** What is counted, in the words of the API. */
const UNITS = {
  utf16: 'utf16',
  graphemes: 'graphemes',
  bytes: 'bytes',
  weighted: 'weighted',
  linked: 'linked',
  emojiBytes: 'emoji_bytes',
} as const satisfies Record<LengthUnit, string>;

const dated = {
  source: z.string().meta({ description: 'Where the limit comes from' }),
  as_of: z.string().meta({ description: 'When that was read', example: '2026-11' }),
};
const bound = z.number().nullable();

const textLimitSchema = z
  .strictObject({
    max: z.int(),
    unit: z.enum(Object.values(UNITS)).meta({
      description:
        'What is counted: UTF-16 code units where the platform does not say; what people take for characters; bytes of UTF-8; as X counts; with links as 23; with emoji as their bytes',
    }),
    certain_max: z.int().nullable().meta({
      description:
        'Beyond this a post is refused here; between the two it gets a warning. Null: it is never refused for its length',
    }),
    max_bytes: z.int().nullable(),
    forbidden: z.string().nullable().meta({ description: 'Characters that are refused' }),
    ...dated,
  })
  .meta({ id: 'TextLimit' });

const mediaLimitSchema = z
  .strictObject({
    fact: z.enum(MEDIA_FACTS),
    min: bound,
    max: bound,
    one_of: z.array(z.string()).nullable(),
    breach: z.enum(BREACHES).meta({
      description:
        'What follows where it is not kept: a warning only; a video that is taken here and does not fit as it is; a refusal',
    }),
    fix: z.enum(FIXES).nullable().meta({ description: 'What would make a video fit' }),
    only: z
      .strictObject({ param: z.string(), values: z.array(z.string()) })
      .nullable()
      .meta({ description: 'Holds for posts with this param; `unset` is the value of those without it' }),
    condition: z.string().nullable(),
    ...dated,
  })
  .meta({ id: 'MediaLimit' });

const paramSchema = z
  .strictObject({
    name: z.string(),
    type: z.enum(PARAM_TYPES),
    is_shared: z.boolean().meta({
      description: "Whether it may stand outside of the platform's name as well, for all platforms",
    }),
    values: z.array(z.string()).nullable(),
    min: bound,
    max: bound,
    max_chars: z.int().nullable(),
    is_required: z.boolean().meta({ description: 'Without it posts to this platform are refused' }),
  })
  .meta({ id: 'PlatformParam', description: "A provider's own field, as `params` takes it" });

export const platformSchema = z
  .strictObject({
    platform: z.enum(PLATFORMS),
    name: z.string().meta({ example: 'TikTok' }),
    providers: z.array(z.enum(PROVIDERS)).meta({ description: 'Who brings posts there' }),
    titles: z.enum(['none', 'optional', 'required']).meta({
      description:
        'Whether a post has a title beside its text. With none, the `title` of a post is its text; an optional one is the text where there is no `description`',
    }),
    has_description: z.boolean().meta({ description: 'Whether the `description` of a post appears there' }),
    title: textLimitSchema.nullable(),
    text: textLimitSchema.nullable().meta({ description: 'Null: no limit is known' }),
    textless: z
      .array(z.strictObject({ param: z.string(), value: z.union([z.string(), z.boolean()]), ...dated }))
      .meta({
        description:
          'With any of these params posts have no text there; what is wrong with their texts is a warning then',
      }),
    tags: z.array(
      z.strictObject({
        kind: z.enum(TAG_KINDS),
        max: z.int(),
        breach: z.enum(BREACHES),
        ...dated,
      }),
    ),
    media: z.array(mediaLimitSchema),
    post_caps: z
      .array(z.strictObject({ max: z.int(), window_sec: z.int(), ...dated }))
      .meta({ description: 'Posts of an account in a window that moves; slots keep them' }),
    notices: z.array(z.strictObject({ code: z.string(), message: z.string(), ...dated })),
    params: z.strictObject({ fields: z.array(paramSchema), ...dated }),
  })
  .meta({ id: 'Platform', description: 'What a platform takes, as far as it is known' });

const toDated = ({ source, asOf }: { source: string; asOf: string }) => ({ source, as_of: asOf });

const toTextLimit = (limit: TextLimit | null): z.output<typeof textLimitSchema> | null =>
  limit && {
    max: limit.max,
    unit: UNITS[limit.unit],
    certain_max: limit.certainMax === undefined ? limit.max : limit.certainMax,
    max_bytes: limit.maxBytes ?? null,
    forbidden: limit.forbidden ?? null,
    ...toDated(limit),
  };

const toMediaLimit = (limit: MediaLimit): z.output<typeof mediaLimitSchema> => ({
  fact: limit.fact,
  min: limit.min ?? null,
  max: limit.max ?? null,
  one_of: limit.oneOf ? [...limit.oneOf] : null,
  breach: limit.breach,
  fix: limit.fix ?? null,
  only: limit.only ? { param: limit.only.field, values: [...limit.only.values] } : null,
  condition: limit.condition ?? null,
  ...toDated(limit),
});

const toParam =
  (platform: Platform) =>
  ([name, field]: [string, ParamField]): z.output<typeof paramSchema> => ({
    name,
    type: field.type,
    is_shared: Object.hasOwn(SHARED_PARAM_FIELDS[platform], name),
    values: field.values ? [...field.values] : null,
    min: field.min ?? null,
    max: field.max ?? null,
    max_chars: field.maxChars ?? null,
    is_required: field.isRequired ?? false,
  });

/** Gives what a platform takes as the API shows it. */
export function toPlatformView(platform: Platform): z.output<typeof platformSchema> {
  const limits = PLATFORM_LIMITS[platform];
  return {
    platform,
    name: limits.name,
    providers: PROVIDERS.filter((provider) => PLATFORMS_OF[provider].includes(platform)),
    titles: limits.titles,
    has_description: limits.hasDescription,
    title: toTextLimit(limits.title),
    text: toTextLimit(limits.text),
    textless: limits.textless.map(({ field, value, ...origin }) => ({
      param: field,
      value,
      ...toDated(origin),
    })),
    tags: limits.tags.map(({ kind, max, isCertain, ...origin }) => ({
      kind,
      max,
      breach: isCertain ? ('impossible' as const) : ('doubtful' as const),
      ...toDated(origin),
    })),
    media: limits.media.map(toMediaLimit),
    post_caps: limits.postCaps.map(({ max, windowSec, ...origin }) => ({
      max,
      window_sec: windowSec,
      ...toDated(origin),
    })),
    notices: limits.notices.map(({ code, message, ...origin }) => ({ code, message, ...toDated(origin) })),
    params: {
      fields: Object.entries(PARAM_FIELDS[platform]).map(toParam(platform)),
      ...toDated(PARAM_SOURCES[platform === 'flic' ? 'flic' : 'upload_post']),
    },
  };
}
