/** The texts of a post against what a platform takes. */
import type { LengthUnit } from './captionLimits.ts';
import type { Breach } from './mediaLimits.ts';
import { PARAM_FIELDS } from './paramFields.ts';
import type { Provider } from './platform.ts';
import { PLATFORM_LIMITS, type TagLimit, type TextLimit, type Textless } from './platformLimits.ts';
import type { Breached } from './preflight.ts';
import type { ResolvedTarget } from './publication.ts';
import type { TagKind, TextCounts } from './textCounts.ts';

const UNIT_NAMES: Record<LengthUnit, string> = {
  utf16: 'characters',
  graphemes: 'characters',
  bytes: 'bytes',
  weighted: 'characters as they are counted there',
  linked: 'characters as they are counted there',
  emojiBytes: 'characters as they are counted there',
};
/** Where it is not said what is counted, nothing counts less than what people take for one character. */
const LEAST_UNIT: Partial<Record<LengthUnit, LengthUnit>> = { utf16: 'graphemes' };

const TAGS: Record<TagLimit['kind'], { code: string; certain: TagKind }> = {
  hashtags: { code: 'too_many_hashtags', certain: 'letteredHashtags' },
  mentions: { code: 'too_many_mentions', certain: 'mentions' },
};
const LINK = /https?:\/\/\S/iu;

type Part = 'title' | 'text';

interface Words {
  name: string;
  part: Part;
  words: string;
  limit: TextLimit;
}

function checkLength({ name, part, words, limit }: Words, counts: TextCounts): Breached | null {
  const { max, unit, certainMax = max } = limit;
  const actual = counts.units(words, unit);
  if (actual <= max) return null;
  const least = counts.units(words, LEAST_UNIT[unit] ?? unit);
  const isCertain = certainMax !== null && least > certainMax;
  const bound = isCertain ? certainMax : max;
  const units = UNIT_NAMES[unit];
  const rest = isCertain ? 'shorten it' : 'it may be cut, split or refused there; then shorten it';
  const message = `${name} takes a ${part} of at most ${bound} ${units}, and this has ${actual}: ${rest}`;
  return { code: `${part}_too_long`, breach: toBreach(isCertain), message, limit: bound, actual };
}

const toBreach = (isCertain: boolean): Breach => (isCertain ? 'impossible' : 'doubtful');

function checkBytes({ name, part, words, limit }: Words, counts: TextCounts): Breached | null {
  const { maxBytes } = limit;
  const actual = counts.units(words, 'bytes');
  if (maxBytes === undefined || actual <= maxBytes) return null;
  const message = `${name} takes a ${part} of at most ${maxBytes} bytes, and this has ${actual}: shorten it`;
  return { code: `${part}_too_many_bytes`, breach: 'impossible', message, limit: maxBytes, actual };
}

function checkCharacters({ name, part, words, limit }: Words): Breached | null {
  const found = [...(limit.forbidden ?? '')].filter((char) => words.includes(char)).join(' ');
  if (!found) return null;
  const message = `${name} refuses a ${part} with ${found}: take it out`;
  return {
    code: `${part}_forbidden`,
    breach: 'impossible',
    message,
    limit: limit.forbidden ?? '',
    actual: found,
  };
}

function checkTags(
  { name, words, counts }: { name: string; words: string; counts: TextCounts },
  { kind, max, ...limit }: TagLimit,
): Breached | null {
  const actual = counts.tags(words, kind);
  if (actual <= max) return null;
  const { code, certain } = TAGS[kind];
  const isCertain = limit.isCertain && counts.tags(words, certain) > max;
  const message = `${name} takes at most ${max} ${kind} in a text, and this has ${actual}: take some out`;
  return { code, breach: toBreach(isCertain), message, limit: max, actual };
}

/** Upload-Post does so since X asks more for posts with links. */
function checkLinks(provider: Provider, { platform, text }: ResolvedTarget): Breached | null {
  if (provider !== 'upload_post' || platform !== 'x' || !LINK.test(text ?? '')) return null;
  const message = 'Upload-Post takes links out of posts on X: this one would appear without its link';
  return { code: 'links_removed', breach: 'doubtful', message, limit: null, actual: null };
}

/** What makes a draft, or a story, of a post: it goes there without its texts. */
const textlessOf = ({ platform, params }: ResolvedTarget): Textless | undefined =>
  PLATFORM_LIMITS[platform].textless.find(({ field, value }) => params[field] === value);

function checkUnused(target: ResolvedTarget): Breached | null {
  const [textless, { name }] = [textlessOf(target), PLATFORM_LIMITS[target.platform]];
  if (!textless || !(target.title || target.text)) return null;
  const { field, value } = textless;
  const message = `${name} shows no text with \`${field}\` ${value}: what is written here does not appear`;
  return { code: 'text_unused', breach: 'doubtful', message, limit: null, actual: String(value) };
}

function checkMissing(target: ResolvedTarget): Breached | null {
  const { name, titles } = PLATFORM_LIMITS[target.platform];
  if (titles !== 'required' || target.title?.trim()) return null;
  const message = `${name} takes no post without a title, and this has none: give it one`;
  return { code: 'title_missing', breach: 'impossible', message, limit: null, actual: null };
}

/** The built-in provider asks for them as well: else whoever tries a post there would learn of them later. */
function checkFields({ platform, params }: ResolvedTarget): Breached[] {
  const { name } = PLATFORM_LIMITS[platform];
  const needed = Object.entries(PARAM_FIELDS[platform]).filter(([, { isRequired }]) => isRequired);
  return needed
    .filter(([field]) => !params[field])
    .map(([field]) => ({
      code: 'param_missing',
      breach: 'impossible',
      message: `${name} takes no post without the param \`${field}\`, and this has none: give it one`,
      limit: field,
      actual: null,
    }));
}

type Checked = { target: ResolvedTarget; counts: TextCounts };

/** What is too long, or too much, for a platform; where it does not appear there, nobody refuses it for certain. */
function checkWords({ target, counts }: Checked): (Breached | null)[] {
  const limits = PLATFORM_LIMITS[target.platform];
  const parts = (['title', 'text'] as const).flatMap((part): Words[] => {
    const [words, limit] = [target[part], limits[part]];
    return words && limit ? [{ name: limits.name, part, words, limit }] : [];
  });
  const tagged = { name: limits.name, words: target.text ?? '', counts };
  const breached = [
    ...parts.flatMap((each) => [checkLength(each, counts), checkBytes(each, counts), checkCharacters(each)]),
    ...limits.tags.map((limit) => checkTags(tagged, limit)),
  ];
  return textlessOf(target) ? breached.map((each) => each && { ...each, breach: 'doubtful' }) : breached;
}

/** Gives what a platform would find wrong with the texts of a post, and with its fields. */
export function checkTexts({ provider, target, counts }: Checked & { provider: Provider }): Breached[] {
  return [
    checkMissing(target),
    ...checkWords({ target, counts }),
    checkLinks(provider, target),
    checkUnused(target),
    ...checkFields(target),
  ].filter((each) => each !== null);
}
