/**
 * What platforms take. Data: where each limit comes from and when that was read stands beside it. A limit that several
 * sources give differently, or that depends on the account, is `doubtful`: it warns and refuses nothing.
 */
import { CAPTION_LIMITS, type CaptionLimit } from './captionLimits.ts';
import { MEDIA_LIMITS, type MediaLimit } from './mediaLimits.ts';
import type { Platform } from './platform.ts';

/** What a text may be. */
export interface TextLimit extends CaptionLimit {
  /**
   * Beyond this it is certain that the text is refused, the same as `max` when left out; null: never, since providers
   * make several posts of a long text, or some accounts may post longer ones.
   */
  certainMax?: number | null;
}

export const TAG_KINDS = ['hashtags', 'mentions'] as const;

/** How many of a kind a text may hold. */
export interface TagLimit {
  kind: (typeof TAG_KINDS)[number];
  max: number;
  isCertain: boolean;
  source: string;
  asOf: string;
}

/** How many posts a platform takes from an account in a window that moves. */
export interface PostCap {
  max: number;
  windowSec: number;
  source: string;
  asOf: string;
}

/** What should be known of a platform besides. */
export interface PlatformNotice {
  code: string;
  message: string;
  source: string;
  asOf: string;
}

/** A field and its value that leave a post without its texts. */
export interface Textless {
  field: string;
  value: string | boolean;
  source: string;
  asOf: string;
}

export interface PlatformLimits {
  /** As people write it. */
  name: string;
  /** Whether a post has a title beside its text there. An optional one is the text when there is no description. */
  titles: 'none' | 'optional' | 'required';
  /** Whether the description of a post appears there. */
  hasDescription: boolean;
  title: TextLimit | null;
  /** Of the text; null: none is known. */
  text: TextLimit | null;
  /** Any of them does. */
  textless: readonly Textless[];
  tags: readonly TagLimit[];
  media: readonly MediaLimit[];
  postCaps: readonly PostCap[];
  notices: readonly PlatformNotice[];
}

const AS_OF = '2026-11';
const textless = (field: string, value: Textless['value']): Textless => ({
  ...{ field, value, source: 'Upload-Post, Upload Video, notes on drafts and stories', asOf: AS_OF },
});
const DAY_SEC = 24 * 3600;
const NOTHING = {
  titles: 'none',
  hasDescription: false,
  title: null,
  textless: [],
  tags: [],
  postCaps: [],
  notices: [],
} as const;

const YOUTUBE_TITLE: TextLimit = {
  max: 100,
  unit: 'utf16',
  forbidden: '<>',
  source: 'YouTube Data API, videos, snippet.title',
  asOf: AS_OF,
};
const TIKTOK: Omit<PlatformLimits, 'media'> = {
  ...NOTHING,
  name: 'TikTok',
  text: { ...CAPTION_LIMITS.tiktok, certainMax: 2200 },
  textless: [textless('post_mode', 'MEDIA_UPLOAD'), textless('tiktok_upload_to_draft', true)],
  tags: [
    { kind: 'mentions', max: 30, isCertain: false, source: 'Upload-Post, character limits', asOf: AS_OF },
  ],
  postCaps: [
    {
      max: 15,
      windowSec: DAY_SEC,
      source: 'Content Posting API: about 15 posts a day for each creator, over all clients',
      asOf: AS_OF,
    },
  ],
};
const INSTAGRAM_CAPTION = 'Instagram Platform, IG User Media, caption';
const INSTAGRAM: Omit<PlatformLimits, 'media'> = {
  ...NOTHING,
  name: 'Instagram',
  text: CAPTION_LIMITS.instagram,
  textless: [textless('media_type', 'STORIES')],
  tags: [
    { kind: 'hashtags', max: 30, isCertain: true, source: INSTAGRAM_CAPTION, asOf: AS_OF },
    {
      kind: 'hashtags',
      max: 5,
      isCertain: false,
      source: 'Instagram announced five in 2025-12, step by step',
      asOf: AS_OF,
    },
    { kind: 'mentions', max: 20, isCertain: true, source: INSTAGRAM_CAPTION, asOf: AS_OF },
  ],
  postCaps: [
    {
      max: 50,
      windowSec: DAY_SEC,
      source: 'Instagram Platform, content_publishing_limit; its guide says 100',
      asOf: AS_OF,
    },
  ],
};

/** What every platform takes, in the order of the platforms. */
const WORDS = {
  tiktok: TIKTOK,
  instagram: INSTAGRAM,
  youtube: {
    ...NOTHING,
    name: 'YouTube',
    titles: 'required',
    hasDescription: true,
    title: YOUTUBE_TITLE,
    text: CAPTION_LIMITS.youtube,
    postCaps: [
      {
        max: 100,
        windowSec: DAY_SEC,
        source: 'YouTube Data API, quota of videos.insert for each project',
        asOf: AS_OF,
      },
    ],
  },
  facebook: {
    ...NOTHING,
    name: 'Facebook',
    titles: 'optional',
    hasDescription: true,
    title: {
      max: 255,
      unit: 'utf16',
      certainMax: null,
      source: 'Upload-Post, character limits',
      asOf: AS_OF,
    },
    text: CAPTION_LIMITS.facebook,
    textless: [textless('facebook_media_type', 'STORIES')],
    postCaps: [
      { max: 30, windowSec: DAY_SEC, source: 'Facebook Reels Publishing API, rate limit', asOf: AS_OF },
    ],
  },
  x: {
    ...NOTHING,
    name: 'X',
    // Subscribers may write longer ones, and Upload-Post makes a thread of what is too long for one post.
    text: { ...CAPTION_LIMITS.x, certainMax: null },
    postCaps: [{ max: 100, windowSec: 900, source: 'X API v2, POST /2/tweets, per user', asOf: AS_OF }],
  },
  threads: {
    ...NOTHING,
    name: 'Threads',
    // The same: without `threads_long_text_as_post` several posts are made of it.
    text: { ...CAPTION_LIMITS.threads, certainMax: null },
    postCaps: [
      { max: 250, windowSec: DAY_SEC, source: 'Threads API, threads_publishing_limit', asOf: AS_OF },
    ],
  },
  linkedin: {
    ...NOTHING,
    name: 'LinkedIn',
    titles: 'optional',
    hasDescription: true,
    title: {
      max: 400,
      unit: 'utf16',
      certainMax: null,
      source: 'Upload-Post, character limits',
      asOf: AS_OF,
    },
    text: CAPTION_LIMITS.linkedin,
  },
  pinterest: {
    ...NOTHING,
    name: 'Pinterest',
    titles: 'optional',
    hasDescription: true,
    title: { max: 100, unit: 'utf16', source: 'Pinterest, Video Pins, creative specs', asOf: AS_OF },
    // The API's own description of a Pin allows 800.
    text: { ...CAPTION_LIMITS.pinterest, certainMax: 800 },
  },
  bluesky: {
    ...NOTHING,
    name: 'Bluesky',
    text: CAPTION_LIMITS.bluesky,
    postCaps: [{ max: 25, windowSec: DAY_SEC, source: 'Bluesky: 25 videos a day, as reported', asOf: AS_OF }],
  },
  reddit: {
    ...NOTHING,
    name: 'Reddit',
    titles: 'required',
    title: { max: 300, unit: 'utf16', source: 'Reddit API, POST /api/submit, title', asOf: AS_OF },
    // Upload-Post brings no text there beside the title.
    text: null,
    notices: [
      {
        code: 'platform_unavailable',
        message:
          'Upload-Post says that Reddit is unavailable at present, and answers with `reddit_unavailable`',
        source: 'Upload-Post SDK 2.14.0, RedditOptions',
        asOf: AS_OF,
      },
    ],
  },
  flic: { ...NOTHING, name: 'Flic', text: null },
} as const satisfies Record<Platform, Omit<PlatformLimits, 'media'>>;

/** What each platform takes of texts, media and posts. */
export const PLATFORM_LIMITS: Readonly<Record<Platform, PlatformLimits>> = Object.fromEntries(
  Object.entries(WORDS).map(([platform, words]) => [
    platform,
    { ...words, media: MEDIA_LIMITS[platform as Platform] },
  ]),
) as Record<Platform, PlatformLimits>;
