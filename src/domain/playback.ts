/** What a browser needs before it plays a video. Pure: the facts of the probe decide. */
import { isInterlaced, type MediaFacts, type MediaStream, soundStreamsOf, videoStreamOf } from './media.ts';

/**
 * - `none`: browsers play the source as it is
 * - `index_first`: the same streams, with the index before the media
 * - `remux`: the same streams in another container
 * - `encode`: picture, sound or both are encoded
 */
export type PlaybackWork = 'none' | 'index_first' | 'remux' | 'encode';

export type Treatment = 'copy' | 'encode';

export interface PlaybackPlan {
  work: PlaybackWork;
  picture: Treatment;
  /** The sound tracks that are kept, in their order. */
  sound: { streamIndex: number; treatment: Treatment }[];
}

/** Players offer a handful of languages; each further track costs an encode and bytes. */
const MAX_SOUND_TRACKS = 8;

interface Demands {
  /** By ffprobe's names; what the probe does not tell is taken for good. */
  profiles?: readonly string[];
  pixelFormats?: readonly string[];
}

const EIGHT_BIT = ['yuv420p', 'yuvj420p'];

/**
 * What Chrome, Firefox and Safari decode alike. Lossless H.264 is 8-bit 4:2:0 as well, in a profile that none of
 * them knows. Decoders of AV1's Main profile must know 10 bits; those of VP9's first one need not.
 */
const H264 = {
  profiles: ['Constrained Baseline', 'Baseline', 'Main', 'High', 'Constrained High', 'Progressive High'],
  pixelFormats: EIGHT_BIT,
};
const VP8 = { pixelFormats: EIGHT_BIT };
const VP9 = { profiles: ['Profile 0'], pixelFormats: EIGHT_BIT };
const AV1 = { profiles: ['Main'], pixelFormats: [...EIGHT_BIT, 'yuv420p10le'] };
const AAC = { profiles: ['LC', 'HE-AAC', 'HE-AACv2'] };

interface Container {
  pictures: Record<string, Demands>;
  sounds: Record<string, Demands>;
}

const MP4: Container = {
  pictures: { h264: H264, vp9: VP9, av1: AV1 },
  sounds: { aac: AAC, mp3: {}, opus: {}, flac: {} },
};
const WEBM: Container = {
  pictures: { vp8: VP8, vp9: VP9, av1: AV1 },
  sounds: { opus: {}, vorbis: {} },
};
const PLAYED: Readonly<Record<string, Container>> = { mp4: MP4, webm: WEBM };

type Stream = Pick<MediaStream, 'codec'> & Partial<MediaStream>;

const isAmong = (allowed: readonly string[] | undefined, value: string | null | undefined): boolean =>
  allowed === undefined || allowed.includes(value ?? 'unknown') || (value ?? 'unknown') === 'unknown';

function fits(table: Record<string, Demands>, { codec, profile, pixelFormat }: Stream): boolean {
  const demands = Object.hasOwn(table, codec) ? table[codec] : undefined;
  return (
    demands !== undefined && isAmong(demands.profiles, profile) && isAmong(demands.pixelFormats, pixelFormat)
  );
}

/** The chosen picture; a record without streams still names its codec. */
export const pictureOf = (facts: MediaFacts): Stream => videoStreamOf(facts) ?? { codec: facts.videoCodec };

/** Whether a browser shows the picture and plays the first sound: it never looks at a second one. */
function plays(facts: MediaFacts): boolean {
  const container = PLAYED[facts.container];
  if (!container) return false;
  const picture = pictureOf(facts);
  const sound = facts.streams.find(({ type }) => type === 'audio');
  const isHeard = sound === undefined || fits(container.sounds, sound);
  return fits(container.pictures, picture) && !isInterlaced(picture) && isHeard;
}

/**
 * Says how a source becomes something that every browser plays. What is made is an MP4 with its index first; what
 * fits in there is copied, and picture and sound are decided apart.
 */
export function planPlayback(facts: MediaFacts): PlaybackPlan {
  const picture = pictureOf(facts);
  const plan = {
    picture: treat(fits(MP4.pictures, picture) && !isInterlaced(picture)),
    sound: soundStreamsOf(facts)
      .slice(0, MAX_SOUND_TRACKS)
      .map((sound) => ({ streamIndex: sound.index, treatment: treat(fits(MP4.sounds, sound)) })),
  };
  if (plays(facts) && facts.isProgressive !== false) return { ...plan, work: 'none' };
  if ([plan.picture, ...plan.sound.map(({ treatment }) => treatment)].includes('encode')) {
    return { ...plan, work: 'encode' };
  }
  return { ...plan, work: facts.container === 'mp4' ? 'index_first' : 'remux' };
}

const treat = (isKept: boolean): Treatment => (isKept ? 'copy' : 'encode');
