/** How long a caption may be where it is posted. Data: where it comes from and when it was read stands beside it. */

/**
 * What is counted:
 * - `utf16`: UTF-16 code units, as most clients count; where a platform does not say what it counts, this is the most
 *   that it could mean
 * - `graphemes`: what people take for one character
 * - `bytes`: of UTF-8
 * - `weighted`: X's own: links 23, CJK and emoji 2
 * - `linked`: graphemes, with links as 23
 * - `emojiBytes`: UTF-16 code units, with emoji as their bytes of UTF-8
 */
export type LengthUnit = 'utf16' | 'graphemes' | 'bytes' | 'weighted' | 'linked' | 'emojiBytes';

export interface CaptionLimit {
  max: number;
  unit: LengthUnit;
  /** A second limit beside the first. */
  maxBytes?: number;
  /** Characters that are refused there. */
  forbidden?: string;
  source: string;
  /** When that was read. */
  asOf: string;
}

const LIMITS = {
  tiktok: {
    max: 2000,
    unit: 'utf16',
    source: 'Content Posting API: 2,200; other clients stay at 2,000, and so does this',
    asOf: '2026-11',
  },
  instagram: { max: 2200, unit: 'utf16', source: 'Instagram Platform, IG User Media', asOf: '2026-11' },
  facebook: { max: 63_206, unit: 'utf16', source: 'what other clients keep', asOf: '2026-11' },
  threads: {
    max: 500,
    unit: 'emojiBytes',
    source: 'Threads API, Posts, Limitations: “Emojis are counted as the number of UTF-8 bytes”',
    asOf: '2026-11',
  },
  youtube: {
    max: 5000,
    unit: 'bytes',
    forbidden: '<>',
    source: 'YouTube Data API, videos, snippet.description',
    asOf: '2026-11',
  },
  x: {
    max: 280,
    unit: 'weighted',
    source: 'X, Counting characters; without a subscription',
    asOf: '2026-11',
  },
  linkedin: { max: 3000, unit: 'utf16', source: 'LinkedIn Posts API, commentary', asOf: '2026-11' },
  pinterest: { max: 500, unit: 'utf16', source: 'what other clients keep', asOf: '2026-11' },
  mastodon: {
    max: 500,
    unit: 'linked',
    source: 'Mastodon, Posting to your profile; the default of an instance',
    asOf: '2026-11',
  },
  bluesky: {
    max: 300,
    unit: 'graphemes',
    maxBytes: 3000,
    source: 'Lexicon app.bsky.feed.post, text',
    asOf: '2026-11',
  },
  telegram: { max: 1024, unit: 'utf16', source: 'Telegram Bot API, sendVideo, caption', asOf: '2026-11' },
  discord: { max: 2000, unit: 'utf16', source: 'Discord API, Create Message, content', asOf: '2026-11' },
} as const satisfies Record<string, CaptionLimit>;

export type CaptionPlatform = keyof typeof LIMITS;

export const CAPTION_PLATFORMS = Object.keys(LIMITS) as [CaptionPlatform, ...CaptionPlatform[]];

export const CAPTION_LIMITS: Readonly<Record<CaptionPlatform, CaptionLimit>> = LIMITS;
