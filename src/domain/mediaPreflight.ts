/** A video against what a platform takes. */
import type { MediaFacts } from './media.ts';
import { type MediaFact, type MediaLimit, UNSET } from './mediaLimits.ts';
import { PLATFORM_LIMITS } from './platformLimits.ts';
import type { Breached } from './preflight.ts';
import type { ResolvedTarget } from './publication.ts';

/** What is kept of a video; width and height as displayed. What a file does not say is null. */
export type MediaMeasures = {
  [Fact in 'durationSec' | 'sizeBytes' | 'container' | 'width' | 'height' | 'fps' | 'videoCodec']:
    | MediaFacts[Fact]
    | null;
};

/** Files say their length a few frames more or less exactly: so near to a limit nothing is certain. */
const NEAR_SEC = 0.1;

const sides = ({ width, height }: MediaMeasures): [number, number] | null =>
  width && height ? [Math.min(width, height), Math.max(width, height)] : null;

/** How each fact is read from what is kept of a video. */
const READ: Record<MediaFact, (media: MediaMeasures) => number | string | null> = {
  duration_sec: ({ durationSec }) => durationSec,
  size_bytes: ({ sizeBytes }) => sizeBytes,
  width: ({ width }) => width,
  short_side: (media) => sides(media)?.[0] ?? null,
  long_side: (media) => sides(media)?.[1] ?? null,
  aspect: ({ width, height }) => (width && height ? Math.round((1000 * width) / height) / 1000 : null),
  fps: ({ fps }) => fps,
  container: ({ container }) => container,
  video_codec: ({ videoCodec }) => videoCodec,
};

const round = (value: number): string => String(Math.round(value * 1000) / 1000);
function sayBytes(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ['GB', 1e9] : bytes >= 1e6 ? ['MB', 1e6] : ['kB', 1e3];
  return `${round(bytes / (size as number))} ${unit}`;
}

interface Wording {
  /** What a video is that breaks the lower limit, and the upper one, or has none of what is taken. */
  codes: { low?: string; high?: string; other?: string };
  /** What the limit is of. */
  noun: string;
  say: (value: number) => string;
  /** What to do. */
  low?: string;
  high?: string;
  other?: string;
}

const seconds = (value: number): string => `${round(value)} s`;
const pixels = (value: number): string => `${round(value)} pixels`;
const PICTURE = { codes: { low: 'picture_too_small', high: 'picture_too_big' }, say: pixels };
const SCALE = { low: 'scale it up', high: 'scale it down' };

const WORDINGS: Record<MediaFact, Wording> = {
  duration_sec: {
    codes: { low: 'video_too_short', high: 'video_too_long' },
    noun: 'a video',
    say: seconds,
    low: 'post a longer one there',
    high: 'trim it, or leave this platform out',
  },
  size_bytes: {
    codes: { low: 'file_too_small', high: 'file_too_big' },
    noun: 'a file',
    say: sayBytes,
    low: 'encode it with a higher bitrate',
    high: 'encode it with a lower bitrate',
  },
  width: { ...PICTURE, noun: 'a picture with a width', ...SCALE },
  short_side: { ...PICTURE, noun: 'a picture with a shorter side', ...SCALE },
  long_side: { ...PICTURE, noun: 'a picture with a longer side', ...SCALE },
  aspect: {
    codes: { low: 'picture_too_narrow', high: 'picture_too_wide' },
    noun: 'a picture with a width to height',
    say: (value) => `${round(value)}:1`,
    low: 'pad it at the sides',
    high: 'pad it above and below',
  },
  fps: {
    codes: { low: 'frame_rate_too_low', high: 'frame_rate_too_high' },
    noun: 'a video',
    say: (value) => `${round(value)} frames a second`,
    low: 'encode it with more frames',
    high: 'encode it with fewer frames',
  },
  container: {
    codes: { other: 'container_unfit' },
    noun: 'files',
    say: round,
    other: 'put it into another container',
  },
  video_codec: {
    codes: { other: 'codec_unfit' },
    noun: 'pictures',
    say: round,
    other: 'encode it in another codec',
  },
};

function reaches({ only }: MediaLimit, { params }: ResolvedTarget): boolean {
  if (!only) return true;
  const value = params[only.field];
  return only.values.includes(typeof value === 'string' ? value : UNSET);
}

/** Says what to do. What a provider that converts videos makes of one that does not fit is not promised by anybody. */
const ADVISE: Record<MediaLimit['breach'], (cure: string) => string> = {
  impossible: (cure) => cure,
  fixable: (cure) => `${cure}, or it may be refused there`,
  doubtful: (cure) => `it may be refused there; then ${cure}`,
};

function checkNumber(name: string, limit: MediaLimit, actual: number): Breached | null {
  const { fact, min, max, fix, condition } = limit;
  const isDuration = fact === 'duration_sec';
  const side = max !== undefined && actual > max ? 'high' : min !== undefined && actual < min ? 'low' : null;
  if (side === null) return null;
  const wording = WORDINGS[fact];
  const bound = (side === 'high' ? max : min) as number;
  const isNear = isDuration && Math.abs(actual - bound) <= NEAR_SEC;
  const breach = isNear ? 'doubtful' : limit.breach;
  const atMost = side === 'high' ? 'at most' : 'at least';
  const { say } = wording;
  const taken = [say(bound), condition].filter(Boolean).join(' ');
  const message = `${name} takes ${wording.noun} of ${atMost} ${taken}, and this has ${say(actual)}: ${ADVISE[breach](wording[side] as string)}`;
  return { code: wording.codes[side] as string, breach, message, limit: bound, actual, fix };
}

function checkOneOf(name: string, limit: MediaLimit, actual: string): Breached | null {
  const { fact, oneOf = [], breach, fix } = limit;
  if (oneOf.includes(actual)) return null;
  const wording = WORDINGS[fact];
  const taken = oneOf.join(', ');
  const message = `${name} takes ${wording.noun} in ${taken}, and this is in ${actual}: ${ADVISE[breach](wording.other as string)}`;
  return { code: wording.codes.other as string, breach, message, limit: taken, actual, fix };
}

/** Gives what a platform would find wrong with a video. */
export function checkMedia(target: ResolvedTarget, media: MediaMeasures): Breached[] {
  const { name, media: limits } = PLATFORM_LIMITS[target.platform];
  return limits.flatMap((limit) => {
    const actual = READ[limit.fact](media);
    if (actual === null || !reaches(limit, target)) return [];
    const breached =
      typeof actual === 'number' ? checkNumber(name, limit, actual) : checkOneOf(name, limit, actual);
    return breached ? [breached] : [];
  });
}
