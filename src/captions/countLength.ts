import twitter from 'twitter-text';
import {
  CAPTION_LIMITS,
  type CaptionLimit,
  type CaptionPlatform,
  type LengthUnit,
} from '../domain/captionLimits.ts';

const graphemeSegmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
const LINK = /https?:\/\/\S+/giu;
/** What a link counts as on Mastodon, whatever its length (Mastodon, Posting to your profile). */
const COUNTED_LINK = 'x'.repeat(23);
/** X's own parser takes seconds for some longer ones, which are too long for X whatever they hold. */
const LONGEST_PARSED = 5000;

/** Gives what people take for single characters. */
export const graphemesOf = (text: string): string[] =>
  Array.from(graphemeSegmenter.segment(text), ({ segment }) => segment);

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');

const COUNTERS: Record<LengthUnit, (text: string) => number> = {
  utf16: (text) => text.length,
  graphemes: (text) => graphemesOf(text).length,
  bytes: bytesOf,
  weighted: (text) => (text.length > LONGEST_PARSED ? text.length : twitter.parseTweet(text).weightedLength),
  linked: (text) => graphemesOf(text.replace(LINK, COUNTED_LINK)).length,
  emojiBytes: (text) =>
    graphemesOf(text).reduce((sum, part) => sum + (EMOJI.test(part) ? bytesOf(part) : part.length), 0),
};

/** Counts a text in a unit. */
export const countUnits = (text: string, unit: LengthUnit): number => COUNTERS[unit](text);

/** Counts a text as its platform does, in the unit of its limit. */
export const countLength = (text: string, platform: CaptionPlatform): number =>
  COUNTERS[CAPTION_LIMITS[platform].unit](text);

/** Says whether a text keeps all limits of the length of a platform. */
export function keepsLimit(text: string, platform: CaptionPlatform): boolean {
  const { max, maxBytes = Number.POSITIVE_INFINITY }: CaptionLimit = CAPTION_LIMITS[platform];
  return countLength(text, platform) <= max && bytesOf(text) <= maxBytes;
}

/** Units in which nothing counts less than its UTF-16 code units. */
const PLAIN_UNITS = new Set<LengthUnit>(['utf16', 'bytes', 'emojiBytes']);
/** Where a link, or all that makes up one picture, counts as little; what is longer on average is no text. */
const CHARS_OF_ONE = 20;
/** Enough to see whether a word or a sentence ends where the limit is. */
const BEYOND_CHARS = 100;

/** How many UTF-16 code units of a text are looked at to shorten it: those that may fit, and far from all that may come. */
export function mostChars(platform: CaptionPlatform): number {
  const { max, unit } = CAPTION_LIMITS[platform];
  return (PLAIN_UNITS.has(unit) ? max : max * CHARS_OF_ONE) + BEYOND_CHARS;
}
