/** Which videos platforms take. Data: where each limit comes from and when that was read stands beside it. */
import type { Platform } from './platform.ts';

/** What is measured. Sizes are those of the picture as displayed; `aspect` is its width for a height of one, to three decimals. */
export const MEDIA_FACTS = [
  'duration_sec',
  'size_bytes',
  'width',
  'short_side',
  'long_side',
  'aspect',
  'fps',
  'container',
  'video_codec',
] as const;
export type MediaFact = (typeof MEDIA_FACTS)[number];

/** What would make a video fit. A video is never made shorter for that. */
export const FIXES = ['scale', 'pad', 'frame_rate', 'bitrate', 'container', 'codec'] as const;
export type Fix = (typeof FIXES)[number];

/**
 * What follows from a limit that is not kept:
 * - `impossible`: the platform refuses it for certain, and nothing can be done but to make another video
 * - `fixable`: the same video fits once it is encoded anew
 * - `doubtful`: it may be refused; sources differ, or it depends on the account
 */
export const BREACHES = ['doubtful', 'fixable', 'impossible'] as const;
export type Breach = (typeof BREACHES)[number];

export interface MediaLimit {
  fact: MediaFact;
  min?: number;
  max?: number;
  oneOf?: readonly string[];
  breach: Breach;
  fix?: Fix;
  /** For posts only whose field has one of these values; `unset` is the value of those without it. */
  only?: { field: string; values: readonly string[] };
  /** For whom: `without a subscription`. */
  condition?: string;
  source: string;
  asOf: string;
}

/** The value that a field has where it is left out. */
export const UNSET = 'unset';

const MB = 1e6;
const GB = 1e9;
const AS_OF = '2026-11';

type Bounds = Pick<MediaLimit, 'min' | 'max'>;
type Rest = Partial<Pick<MediaLimit, 'breach' | 'only' | 'condition'>>;
type Kind = (bounds: Bounds, rest?: Rest) => (source: string) => MediaLimit;

const kind =
  (fact: MediaFact, breach: Breach, fix?: Fix): Kind =>
  (bounds, rest) =>
  (source) => ({ fact, breach, ...(fix && { fix }), ...bounds, ...rest, source, asOf: AS_OF });
const duration = kind('duration_sec', 'impossible');
const size = kind('size_bytes', 'fixable', 'bitrate');
const width = kind('width', 'fixable', 'scale');
const shortSide = kind('short_side', 'fixable', 'scale');
const longSide = kind('long_side', 'fixable', 'scale');
const aspect = kind('aspect', 'fixable', 'pad');
const fps = kind('fps', 'fixable', 'frame_rate');
const oneOf =
  (fact: 'container' | 'video_codec', fix: Fix) =>
  (...names: string[]) =>
  (source: string): MediaLimit => ({ fact, oneOf: names, breach: 'fixable', fix, source, asOf: AS_OF });
const containers = oneOf('container', 'container');
const codecs = oneOf('video_codec', 'codec');

/** Limits of one source. */
const from = (source: string, ...limits: ((source: string) => MediaLimit)[]): MediaLimit[] =>
  limits.map((limit) => limit(source));

const DOUBTFUL = { breach: 'doubtful' } as const;
const UNSUBSCRIBED = { condition: 'without a subscription' };
const AS_REEL = { only: { field: 'facebook_media_type', values: ['REELS', 'STORIES', UNSET] } };
/** What a film of 24 frames has in a video. */
const FILM_FPS = 23.976;
/** 9:16, as far as whole pixels hit it. */
const UPRIGHT = { min: 0.55, max: 0.575 };

/** Which videos each platform takes; none is known for Flic. */
export const MEDIA_LIMITS: Readonly<Record<Platform, readonly MediaLimit[]>> = {
  tiktok: [
    ...from(
      'TikTok Content Posting API, media transfer guide',
      duration({ max: 600 }),
      fps({ min: 23, max: 60 }),
      shortSide({ min: 360 }),
      longSide({ max: 4096 }),
      containers('mp4', 'mov', 'webm'),
      codecs('h264', 'hevc', 'vp8', 'vp9'),
    ),
    ...from('Upload-Post, video requirements; TikTok itself takes 4 GB', size({ max: 3 * GB })),
    ...from('what other clients keep; TikTok does not say', duration({ min: 3 }, DOUBTFUL)),
  ],
  instagram: [
    ...from(
      'Instagram Platform, IG User Media, Reel specifications',
      duration({ min: 3, max: 900 }),
      size({ max: 300 * MB }),
      width({ max: 1920 }),
      aspect({ min: 0.01, max: 10 }),
      fps({ min: 23, max: 60 }),
      containers('mp4', 'mov'),
      codecs('h264', 'hevc'),
    ),
    ...from(
      'Instagram Platform, IG User Media, Story video specifications',
      duration({ max: 60 }, { only: { field: 'media_type', values: ['STORIES'] } }),
    ),
  ],
  youtube: from(
    'YouTube Help, Upload videos longer than 15 minutes: 256 GB or 12 hours',
    duration({ max: 12 * 3600 }),
    size({ max: 256 * GB }),
    duration({ max: 900 }, { ...DOUBTFUL, condition: 'without a verified account' }),
  ),
  facebook: [
    ...from(
      'Facebook Reels Publishing API, video specifications',
      duration({ min: 3, max: 90 }, { ...DOUBTFUL, ...AS_REEL }),
      duration({ max: 60 }, { only: { field: 'facebook_media_type', values: ['STORIES'] } }),
      aspect(UPRIGHT, AS_REEL),
      shortSide({ min: 540 }, AS_REEL),
      longSide({ min: 960 }, AS_REEL),
      fps({ min: FILM_FPS, max: 60 }, AS_REEL),
    ),
    ...from(
      'Upload-Post, Upload Video, facebook_media_type',
      duration({ max: 4 * 3600 }, { ...DOUBTFUL, only: { field: 'facebook_media_type', values: ['VIDEO'] } }),
    ),
  ],
  x: [
    ...from(
      'X API, media, best practices',
      duration({ min: 0.5 }),
      size({ max: 512 * MB }),
      shortSide({ min: 32 }),
      shortSide({ max: 1024 }, { ...DOUBTFUL, ...UNSUBSCRIBED }),
      longSide({ max: 1280 }, { ...DOUBTFUL, ...UNSUBSCRIBED }),
      aspect({ min: 0.333, max: 3 }),
      fps({ max: 60 }),
      codecs('h264'),
    ),
    ...from(
      'X API, media, best practices; longer with a subscription',
      duration({ max: 140 }, { ...DOUBTFUL, ...UNSUBSCRIBED }),
    ),
    ...from(
      'what other clients keep',
      shortSide({ max: 1200 }),
      longSide({ max: 1920 }),
      containers('mp4', 'mov'),
    ),
  ],
  threads: from(
    'Threads API, Posts, video specifications',
    duration({ max: 300 }),
    size({ max: GB }),
    width({ max: 1920 }),
    aspect({ min: 0.01, max: 10 }),
    fps({ min: 23, max: 60 }),
    containers('mp4', 'mov'),
    codecs('h264', 'hevc'),
  ),
  linkedin: [
    ...from(
      'LinkedIn Videos API, video file size specifications',
      duration({ min: 3, max: 1800 }),
      size({ min: 75_000, max: 500 * MB }),
      containers('mp4'),
    ),
    ...from(
      'LinkedIn Help, video specifications',
      aspect({ min: 0.417, max: 2.4 }),
      fps({ min: 10, max: 60 }),
    ),
  ],
  pinterest: from(
    'Pinterest, Video Pins, creative specs',
    duration({ min: 4, max: 900 }),
    size({ max: 2 * GB }),
    aspect({ min: 0.5, max: 1.91 }),
    containers('mp4', 'mov'),
    codecs('h264', 'hevc'),
  ),
  bluesky: [
    ...from(
      'Lexicon app.bsky.video and the notes of its release: 300 MB, ten minutes',
      duration({ max: 600 }),
      size({ max: 300 * MB }),
    ),
    ...from(
      'Upload-Post, Upload Video, Bluesky: 100 MB, three minutes',
      duration({ max: 180 }, DOUBTFUL),
      size({ max: 100 * MB }, DOUBTFUL),
    ),
    ...from('Upload-Post, Upload Video, Bluesky', containers('mp4', 'mov', 'webm', 'mpeg')),
  ],
  reddit: from(
    'what Reddit says of its video ads, and other clients of its posts',
    duration({ max: 900 }, DOUBTFUL),
    size({ max: GB }),
    containers('mp4', 'mov'),
  ),
  flic: [],
};
