/**
 * The providers' own fields that `params` may hold, by the platform that takes them, under the names that the provider
 * has for them. What decides when, for whom or how often something is posted is this service's to say and is no param.
 */
import { PLATFORMS, type Platform, type Provider } from './platform.ts';
import { MAX_POST_TEXT_CHARS } from './postTexts.ts';

/**
 * - `id`: text, or a whole number
 * - `strings`: a list of texts, or one text with commas
 */
export const PARAM_TYPES = [
  'text',
  'id',
  'url',
  'integer',
  'number',
  'boolean',
  'strings',
  'choice',
] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

export interface ParamField {
  type: ParamType;
  /** Of a choice. */
  values?: readonly string[];
  /** Of a number. */
  min?: number;
  max?: number;
  /** Of a text, or of all texts of a list together. */
  maxChars?: number;
  /** Without it the provider refuses posts to this platform. */
  isRequired?: true;
}

export type ParamTable = Readonly<Record<string, ParamField>>;

/** Where the fields come from, and when that was read. */
export const PARAM_SOURCES: Readonly<Record<Exclude<Provider, 'test'>, { source: string; asOf: string }>> = {
  upload_post: { source: 'Upload-Post, Upload Video; SDK 2.14.0, UploadVideoOptions', asOf: '2026-11' },
  flic: { source: "What Flic's public clients send to POST /posts", asOf: '2026-11' },
};

/** Of subtitles, in less than all params together may have. */
const MAX_SUBTITLES_CHARS = 60_000;
/** Of a comment where nobody says how long it may be; as long as the longest that is known. */
const MAX_COMMENT_CHARS = 10_000;
const MAX_CHARS = 2000;
const MAX_ALT_CHARS = 1000;

const text = (maxChars = MAX_CHARS): ParamField => ({ type: 'text', maxChars });
const choice = (...values: string[]): ParamField => ({ type: 'choice', values });
const integer = (min?: number, max?: number): ParamField => ({
  type: 'integer',
  ...(min !== undefined && { min }),
  ...(max !== undefined && { max }),
});
const strings = (maxChars = MAX_CHARS): ParamField => ({ type: 'strings', maxChars });
const ID: ParamField = { type: 'id', maxChars: 255 };
const link = (maxChars: number): ParamField => ({ type: 'url', maxChars });
/** Of files that platforms fetch: signed addresses are long. */
const LINK = link(8000);
const FLAG: ParamField = { type: 'boolean' };
const PERCENT = integer(0, 100);
const MILLISECONDS = integer(0);

const TIKTOK: ParamTable = {
  privacy_level: choice('PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'FOLLOWER_OF_CREATOR', 'SELF_ONLY'),
  disable_comment: FLAG,
  disable_duet: FLAG,
  disable_stitch: FLAG,
  cover_timestamp: MILLISECONDS,
  brand_content_toggle: FLAG,
  brand_organic_toggle: FLAG,
  is_aigc: FLAG,
  tiktok_is_ai_generated: FLAG,
  post_mode: choice('DIRECT_POST', 'MEDIA_UPLOAD'),
  disable_inbox_fallback: FLAG,
  tiktok_upload_to_draft: FLAG,
  tiktok_is_ads_only: FLAG,
  tiktok_tto_invite_link: LINK,
  tiktok_music_id: ID,
  tiktok_music_volume: PERCENT,
  tiktok_music_start: MILLISECONDS,
  tiktok_music_end: MILLISECONDS,
  tiktok_original_sound_volume: PERCENT,
  tiktok_location_id: ID,
  tiktok_location_name: text(255),
  tiktok_cover_image_url: LINK,
};
const INSTAGRAM: ParamTable = {
  media_type: choice('REELS', 'STORIES'),
  share_mode: choice(
    'CUSTOM',
    'TRIAL_REELS_SHARE_TO_FOLLOWERS_IF_LIKED',
    'TRIAL_REELS_DONT_SHARE_TO_FOLLOWERS',
  ),
  share_to_feed: FLAG,
  collaborators: strings(),
  cover_url: LINK,
  audio_name: text(255),
  user_tags: strings(),
  location_id: ID,
  thumb_offset: ID,
};
const YOUTUBE: ParamTable = {
  tags: strings(500),
  categoryId: ID,
  privacyStatus: choice('public', 'unlisted', 'private'),
  embeddable: FLAG,
  license: choice('youtube', 'creativeCommon'),
  publicStatsViewable: FLAG,
  thumbnail_url: LINK,
  selfDeclaredMadeForKids: FLAG,
  containsSyntheticMedia: FLAG,
  defaultLanguage: text(35),
  defaultAudioLanguage: text(35),
  allowedCountries: strings(),
  blockedCountries: strings(),
  hasPaidProductPlacement: FLAG,
  recordingDate: text(40),
  youtube_notify_subscribers: FLAG,
  youtube_playlist_id: strings(),
};
const FACEBOOK: ParamTable = {
  facebook_page_id: ID,
  video_state: choice('PUBLISHED', 'DRAFT'),
  facebook_media_type: choice('REELS', 'STORIES', 'VIDEO'),
  thumbnail_url: LINK,
  facebook_place_id: ID,
  facebook_is_ai_generated: FLAG,
  facebook_unpublished_content_type: choice('DRAFT', 'INLINE_CREATED', 'ADS_POST', 'PUBLISHED'),
  facebook_no_story: FLAG,
  facebook_secret: FLAG,
  facebook_collaborators: strings(),
  facebook_targeting: text(),
  facebook_feed_targeting: text(),
};
const X: ParamTable = {
  reply_settings: choice('everyone', 'following', 'mentionedUsers', 'subscribers', 'verified'),
  nullcast: FLAG,
  quote_tweet_id: ID,
  geo_place_id: ID,
  place_id: ID,
  for_super_followers_only: FLAG,
  community_id: ID,
  share_with_followers: FLAG,
  direct_message_deep_link: LINK,
  tagged_user_ids: strings(),
  exclude_reply_user_ids: strings(),
  made_with_ai: FLAG,
  x_long_text_as_post: FLAG,
  x_paid_partnership: FLAG,
  x_alt_text: text(MAX_ALT_CHARS),
  x_subtitles: text(MAX_SUBTITLES_CHARS),
  x_subtitles_url: LINK,
  x_subtitles_language: text(2),
  x_subtitles_name: text(150),
  reply_to_id: ID,
};
const THREADS: ParamTable = {
  threads_long_text_as_post: FLAG,
  threads_topic_tag: text(50),
  threads_reply_control: choice(
    'everyone',
    'accounts_you_follow',
    'mentioned_only',
    'parent_post_author_only',
    'followers_only',
  ),
  threads_alt_text: text(MAX_ALT_CHARS),
  threads_reply_to_id: ID,
  threads_quote_post_id: ID,
};
const LINKEDIN: ParamTable = {
  visibility: choice('PUBLIC', 'CONNECTIONS', 'LOGGED_IN', 'CONTAINER'),
  target_linkedin_page_id: ID,
  linkedin_disable_reshare: FLAG,
  linkedin_subtitles_url: LINK,
  linkedin_subtitles_text: text(MAX_SUBTITLES_CHARS),
  linkedin_target_check_audience: FLAG,
  ...Object.fromEntries(
    [
      'geo_locations',
      'industries',
      'seniorities',
      'job_functions',
      'staff_count_ranges',
      'interface_locales',
      'degrees',
      'fields_of_study',
      'organizations',
    ].map((facet) => [`linkedin_target_${facet}`, strings()]),
  ),
};
const PINTEREST: ParamTable = {
  pinterest_board_id: { ...ID, isRequired: true },
  pinterest_board_section_id: ID,
  // Both lengths: Upload-Post, character limits.
  pinterest_link: link(2048),
  pinterest_alt_text: text(500),
  pinterest_cover_image_url: LINK,
  pinterest_cover_image_content_type: text(100),
  pinterest_cover_image_key_frame_time: { type: 'number', min: 0 },
  pinterest_ai_disclosures: strings(),
};
const BLUESKY: ParamTable = {
  bluesky_alt_text: text(MAX_CHARS),
  bluesky_langs: strings(100),
  bluesky_labels: strings(255),
  bluesky_threadgate: text(),
  bluesky_postgate: text(),
  bluesky_quote_uri: text(),
  reply_to_id: text(),
};
const REDDIT: ParamTable = {
  subreddit: { ...text(255), isRequired: true },
  flair_id: ID,
  reddit_flair_text: text(64),
  reddit_nsfw: FLAG,
  reddit_spoiler: FLAG,
  reddit_resubmit: FLAG,
  reddit_send_replies: FLAG,
};
const FLIC: ParamTable = { category_id: integer(1), is_available_in_public_feed: FLAG };

const WORDS_OF_ITS_OWN: ParamTable = { title: text(MAX_POST_TEXT_CHARS) };
const WITH_DESCRIPTION: ParamTable = { ...WORDS_OF_ITS_OWN, description: text(MAX_POST_TEXT_CHARS) };
const commented = (maxChars = MAX_COMMENT_CHARS): ParamTable => ({ first_comment: text(maxChars) });

/**
 * What one platform takes under its own name: the provider's fields, and texts in place of those of the post. Lengths of
 * comments: Upload-Post, character limits.
 */
export const PARAM_FIELDS: Readonly<Record<Platform, ParamTable>> = {
  tiktok: { ...WORDS_OF_ITS_OWN, ...commented(), ...TIKTOK },
  instagram: { ...WORDS_OF_ITS_OWN, ...commented(2196), ...INSTAGRAM },
  youtube: { ...WITH_DESCRIPTION, ...commented(), ...YOUTUBE },
  facebook: { ...WITH_DESCRIPTION, ...commented(), ...FACEBOOK },
  x: { ...WORDS_OF_ITS_OWN, ...commented(), ...X },
  threads: { ...WORDS_OF_ITS_OWN, ...commented(), ...THREADS },
  linkedin: { ...WITH_DESCRIPTION, ...commented(1250), ...LINKEDIN },
  pinterest: { ...WITH_DESCRIPTION, ...PINTEREST },
  bluesky: { ...WORDS_OF_ITS_OWN, ...commented(), ...BLUESKY },
  reddit: { ...WORDS_OF_ITS_OWN, ...commented(), ...REDDIT },
  flic: { ...WORDS_OF_ITS_OWN, ...FLIC },
};

/** Texts of one platform: outside of its name they would be the post's own. */
const OWN_TEXTS: ReadonlySet<string> = new Set(['title', 'description']);
/** Texts that Upload-Post has under a name for each platform: `youtube_title`. */
const NAMED_TEXTS = ['title', 'description', 'first_comment'];

/** Gives the names that Upload-Post has for a platform's texts, and those that they have here. */
export const textNamesOf = (platform: Platform): ReadonlyMap<string, string> =>
  new Map(
    NAMED_TEXTS.filter((name) => platform !== 'flic' && Object.hasOwn(PARAM_FIELDS[platform], name)).map(
      (name) => [`${platform}_${name}`, name],
    ),
  );

function findShared(platform: Platform): ParamTable {
  const own = PARAM_FIELDS[platform];
  const named = [...textNamesOf(platform)].map(([name, text]) => [name, own[text]]);
  return Object.fromEntries([...Object.entries(own).filter(([name]) => !OWN_TEXTS.has(name)), ...named]);
}

/** What may stand in `params` for all platforms at once and reaches this one. */
export const SHARED_PARAM_FIELDS = Object.fromEntries(
  PLATFORMS.map((platform) => [platform, findShared(platform)]),
) as Readonly<Record<Platform, ParamTable>>;

/** What this service decides by itself: known to providers, and never a param. */
export const RESERVED_PARAMS: ReadonlySet<string> = new Set([
  'scheduled_date',
  'timezone',
  'add_to_queue',
  'max_posts_per_slot',
  'async_upload',
  'request_id',
  'external_id',
  'idempotency_key',
  'job_id',
  'user',
  'platform',
  'platform[]',
  'platforms',
  'video',
  'youtube_publish_at',
  'hash',
]);
