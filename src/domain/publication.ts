/** What one platform gets of a post. */
import { SHARED_PARAM_FIELDS, textNamesOf } from './paramFields.ts';
import type { Platform } from './platform.ts';
import { PLATFORM_LIMITS } from './platformLimits.ts';
import type { ParamFields, ParamValue, PostParams } from './postParams.ts';

/** What a post says, to all its platforms. */
export interface PostWords {
  title: string;
  description: string | null;
  params: PostParams;
  /** Whether the account says that what it posts was made by AI. */
  isAi: boolean;
}

export interface ResolvedTarget {
  platform: Platform;
  /** Beside the text; null where a platform has one text only, or the title is the text. */
  title: string | null;
  /** The caption, or the description; null where there is none. */
  text: string | null;
  /** The provider's fields for this platform, without the texts above. */
  params: ParamFields;
  /** The post has a description, and this platform shows none. */
  isDescriptionUnused: boolean;
}

/** What says that a post was made by AI, and what the caller may say instead. */
const AI_FIELDS: Partial<Record<Platform, { field: string; orElse: readonly string[] }>> = {
  tiktok: { field: 'is_aigc', orElse: ['tiktok_is_ai_generated'] },
  youtube: { field: 'containsSyntheticMedia', orElse: [] },
};

const isFields = (value: ParamValue | ParamFields | undefined): value is ParamFields =>
  typeof value === 'object' && !Array.isArray(value);

/** Gives the fields that reach a platform: what is said to it alone goes before what is said to all. */
function fieldsFor(platform: Platform, params: PostParams): Record<string, ParamValue> {
  const texts = textNamesOf(platform);
  const reaching = Object.entries(params).filter(
    (entry): entry is [string, ParamValue] =>
      Object.hasOwn(SHARED_PARAM_FIELDS[platform], entry[0]) && !isFields(entry[1]),
  );
  const forAll = reaching.filter(([name]) => !texts.has(name));
  const forIt = reaching.flatMap(([name, value]) => {
    const text = texts.get(name);
    return text === undefined ? [] : [[text, value] as const];
  });
  const own = Object.hasOwn(params, platform) ? params[platform] : undefined;
  return { ...Object.fromEntries(forAll), ...Object.fromEntries(forIt), ...(isFields(own) ? own : {}) };
}

function withAi(platform: Platform, fields: Record<string, ParamValue>, isAi: boolean) {
  const ai = AI_FIELDS[platform];
  if (!isAi || !ai || [ai.field, ...ai.orElse].some((name) => Object.hasOwn(fields, name))) return fields;
  return { ...fields, [ai.field]: true };
}

const asText = (value: ParamValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/**
 * Gives what one platform gets of a post whose params are in order: the title and the description, or what `params` has
 * in their place, and the fields that reach it. Where a platform has one text only, that is the title; where a title is
 * optional and there is no description, as well.
 */
export function resolveTarget(post: PostWords & { platform: Platform }): ResolvedTarget {
  const { platform } = post;
  const { titles, hasDescription } = PLATFORM_LIMITS[platform];
  const { title: ownTitle, description: ownDescription, ...fields } = fieldsFor(platform, post.params);
  const title = asText(ownTitle) ?? post.title;
  const description = hasDescription ? (asText(ownDescription) ?? post.description) : null;
  const isAlone = titles !== 'required' && !description;
  return {
    platform,
    title: isAlone ? null : title,
    text: isAlone ? title : description,
    params: withAi(platform, fields, post.isAi),
    isDescriptionUnused: Boolean(post.description) && !hasDescription,
  };
}
