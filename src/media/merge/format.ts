import {
  isInterlaced,
  type MediaFacts,
  type MediaStream,
  soundStreamsOf,
  videoStreamOf,
} from '../../domain/media.ts';
import { highRangeOf } from '../usualRange.ts';
import { channelsOf, isEncodableSound, nearestSound, pictureEncoder } from './encoders.ts';
import type { MergeInput } from './request.ts';

/** Colours as ffmpeg calls them; what a file leaves open as players guess it. */
export interface Colors {
  space: string;
  primaries: string;
  transfer: string;
  range: string;
}

/** What the picture of the result is like; sizes as coded, before a player turns it. */
export interface PictureFormat {
  /** Inputs with this key are copied; null when none is. */
  key: string | null;
  codec: string;
  profile: string;
  pixelFormat: string;
  width: number;
  height: number;
  /** Width of a pixel by its height. */
  pixelAspect: [number, number];
  /** Clockwise degrees a player turns it by. */
  rotation: number;
  colors: Colors;
  /** Whether the copied ones name their colours. */
  isTagged: boolean;
  frameRate: string;
  /** Ticks a second. */
  timescale: number;
}

export interface SoundFormat {
  /** Tracks with this key are copied; null when none is. */
  key: string | null;
  sampleRate: number;
  channelLayout: string;
  /** Whether other sound can be encoded so that it stands beside copied sound. */
  isEncodable: boolean;
  /** Kept where all say the same. */
  language: string | null;
}

export interface CommonFormat {
  picture: PictureFormat;
  /** One for each track of the result. */
  sounds: SoundFormat[];
}

/** What an MP4 can hold and is copied into it. */
const COPIED_PICTURES = ['h264', 'hevc', 'vp9', 'av1'];
const COPIED_SOUNDS = ['aac', 'mp3', 'opus', 'ac3', 'eac3'];
/** AVI knows no presentation times, the others are rare and untried. */
const COPIED_CONTAINERS = ['mp4', 'mov', 'mkv', 'webm', 'mpegts', 'flv'];
const MP4_FAMILY = ['mp4', 'mov'];

const DEFAULT_TIMESCALE = 90_000;
const DEFAULT_FRAME_RATE = '30/1';
const MAX_FPS = 120;
/** Players take untagged pictures of at least this height for high definition. */
const HD_LINES = 720;

/** Gives the colours a player would show. */
export function effectiveColors(stream: MediaStream): Colors {
  const guess = Math.min(stream.width ?? 0, stream.height ?? 0) >= HD_LINES ? 'bt709' : 'smpte170m';
  return {
    space: stream.colorSpace ?? guess,
    primaries: stream.colorPrimaries ?? guess,
    transfer: stream.colorTransfer ?? guess,
    range: stream.colorRange ?? (stream.pixelFormat?.startsWith('yuvj') ? 'pc' : 'tv'),
  };
}

/**
 * Gives what two pictures must have in common to follow each other as they are; null for a picture that is
 * never copied. Rates of frames may differ: an MP4 holds a time for each frame. Time bases are mended by copying.
 */
export function pictureKey(facts: MediaFacts): string | null {
  const stream = videoStreamOf(facts);
  if (!stream || !COPIED_PICTURES.includes(stream.codec) || !COPIED_CONTAINERS.includes(facts.container))
    return null;
  const { space, primaries, transfer, range } = effectiveColors(stream);
  return [
    ...[stream.codec, stream.profile, stream.pixelFormat, stream.width, stream.height],
    ...[stream.pixelAspect ?? '1:1', facts.rotation, stream.fieldOrder ?? 'progressive'],
    ...[space, primaries, transfer, range],
  ].join(' ');
}

/** The same for a track of sound. */
export function soundKey(container: string, stream: MediaStream): string | null {
  if (!COPIED_SOUNDS.includes(stream.codec) || !COPIED_CONTAINERS.includes(container)) return null;
  return [stream.codec, stream.profile, stream.sampleRate, stream.channels, stream.channelLayout].join(' ');
}

interface Group<T> {
  key: string | null;
  /** The first one of its kind. */
  first: T;
  durationSec: number;
}

/** Groups by key, those that cover most of the time first; among equals in the order of the inputs. */
function groupByKey<T>(all: readonly { key: string | null; value: T; durationSec: number }[]): Group<T>[] {
  const groups = new Map<string | null, Group<T>>();
  for (const { key, value, durationSec } of all) {
    const group = groups.get(key) ?? { key, first: value, durationSec: 0 };
    groups.set(key, { ...group, durationSec: group.durationSec + durationSec });
  }
  return [...groups.values()].sort((one, other) => other.durationSec - one.durationSec);
}

function ratioOf(text: string | null, separator: string): [number, number] | null {
  const [numerator, denominator] = (text ?? '').split(separator).map(Number);
  return numerator && denominator && numerator > 0 && denominator > 0 ? [numerator, denominator] : null;
}

function frameRateOf(stream: MediaStream): string {
  const ratio = ratioOf(stream.frameRate, '/');
  return ratio && ratio[0] / ratio[1] <= MAX_FPS ? ratio.join('/') : DEFAULT_FRAME_RATE;
}

/** The time base that covers most seconds of those that are copied: the fewest are written anew. */
function timescaleOf(inputs: readonly MergeInput[], key: string | null): number {
  const counted = inputs
    .filter(({ facts }) => MP4_FAMILY.includes(facts.container) && pictureKey(facts) === key)
    .map(({ facts }) => ({
      key: videoStreamOf(facts)?.timeBase ?? null,
      value: ratioOf(videoStreamOf(facts)?.timeBase ?? null, '/'),
      durationSec: facts.durationSec,
    }));
  const ratio = groupByKey(counted)[0]?.first;
  return ratio?.[0] === 1 ? ratio[1] : DEFAULT_TIMESCALE;
}

/** Usual colours are not stretched into a larger range: a picture of a high one is no model for others. */
function isModel({ facts }: MergeInput): boolean {
  const stream = videoStreamOf(facts);
  if (!stream || isInterlaced(stream) || highRangeOf(stream.colorTransfer) !== null) return false;
  return pictureEncoder(stream.codec, stream.profile, stream.pixelFormat ?? '') !== null;
}

function copiedPicture({ facts }: MergeInput, key: string | null, timescale: number): PictureFormat {
  const stream = videoStreamOf(facts) as MediaStream;
  return {
    key,
    ...{ codec: stream.codec, profile: stream.profile ?? '', pixelFormat: stream.pixelFormat ?? 'yuv420p' },
    ...{
      width: stream.width ?? facts.width,
      height: stream.height ?? facts.height,
      rotation: facts.rotation,
    },
    pixelAspect: ratioOf(stream.pixelAspect, ':') ?? [1, 1],
    colors: effectiveColors(stream),
    isTagged: stream.colorSpace !== null,
    frameRate: frameRateOf(stream),
    timescale,
  };
}

const even = (px: number): number => Math.max(2, Math.round(px / 2) * 2);

/** What every player shows, in the shape of an input: for when no picture is copied. */
function plainPicture({ facts }: MergeInput): PictureFormat {
  const stream = videoStreamOf(facts);
  const [width, height] = [even(facts.width), even(facts.height)];
  const space = Math.min(width, height) >= HD_LINES ? 'bt709' : 'smpte170m';
  return {
    key: null,
    ...{ codec: 'h264', profile: 'High', pixelFormat: 'yuv420p', width, height },
    ...{ pixelAspect: [1, 1], rotation: 0, isTagged: true },
    colors: { space, primaries: space, transfer: space, range: 'tv' },
    frameRate: stream ? frameRateOf(stream) : DEFAULT_FRAME_RATE,
    timescale: DEFAULT_TIMESCALE,
  };
}

function groupPictures(inputs: readonly MergeInput[]): Group<MergeInput>[] {
  return groupByKey(
    inputs.map((input) => ({
      key: pictureKey(input.facts),
      value: input,
      durationSec: input.facts.durationSec,
    })),
  );
}

function choosePicture(inputs: readonly MergeInput[]): PictureFormat {
  const groups = groupPictures(inputs);
  const most = groups[0] as Group<MergeInput>;
  const { width, height } = most.first.facts;
  const chosen =
    groups.length === 1 && most.key !== null
      ? most
      : // One that covers less is taken only where nothing is lost by it.
        groups.find(({ key, first: { facts }, first }) => {
          const hasShape = facts.width === width && facts.height === height;
          return key !== null && hasShape && isModel(first);
        });
  if (chosen) return copiedPicture(chosen.first, chosen.key, timescaleOf(inputs, chosen.key));
  return plainPicture(most.first);
}

function chooseSound(inputs: readonly MergeInput[], track: number): SoundFormat {
  const heard = inputs.flatMap(({ facts }) => {
    const stream = soundStreamsOf(facts)[track];
    return stream
      ? [{ key: soundKey(facts.container, stream), value: stream, durationSec: facts.durationSec }]
      : [];
  });
  const languages = new Set(heard.map(({ value }) => value.language));
  const language = languages.size === 1 ? ([...languages][0] ?? null) : null;
  const groups = groupByKey(heard);
  const isComplete = heard.length === inputs.length;
  const chosen = groups.find(({ key, first }) => {
    const { codec, profile, sampleRate, channelLayout } = first;
    const isAlone = groups.length === 1 && isComplete;
    return (
      key !== null && (isAlone || isEncodableSound(codec, profile, sampleRate ?? 0, channelLayout ?? ''))
    );
  });
  const model = (chosen ?? groups[0])?.first;
  const near = nearestSound(model?.sampleRate ?? null, model?.channels ?? null);
  if (!chosen || !model) return { key: null, ...near, isEncodable: true, language };
  const { codec, profile, sampleRate, channelLayout } = model;
  return {
    key: chosen.key,
    sampleRate: sampleRate ?? near.sampleRate,
    channelLayout: channelLayout ?? near.channelLayout,
    isEncodable: isEncodableSound(codec, profile, sampleRate ?? 0, channelLayout ?? ''),
    language,
  };
}

/** As many tracks as every input with sound has; none when no input has any. */
function countTracks(inputs: readonly MergeInput[]): number {
  const counts = inputs.map(({ facts }) => soundStreamsOf(facts).length).filter((count) => count > 0);
  return counts.length === 0 ? 0 : Math.min(...counts);
}

const chooseSounds = (inputs: readonly MergeInput[]): SoundFormat[] =>
  Array.from({ length: countTracks(inputs) }, (_, track) => chooseSound(inputs, track));

/**
 * Gives what the result is like: the parameters that cover most seconds, as far as the others can be brought to them.
 * Without such parameters, H.264 and AAC in the shape of most seconds.
 */
export const chooseFormat = (inputs: readonly MergeInput[]): CommonFormat => ({
  picture: choosePicture(inputs),
  sounds: chooseSounds(inputs),
});

/** Gives a format in which no picture is copied: for when copies turned out not to follow each other well. */
export const chooseEncodedFormat = (inputs: readonly MergeInput[]): CommonFormat => ({
  picture: plainPicture((groupPictures(inputs)[0] as Group<MergeInput>).first),
  sounds: chooseSounds(inputs).map(({ sampleRate, channelLayout, language }) => ({
    ...{ key: null, language, isEncodable: true },
    ...nearestSound(sampleRate, channelsOf(channelLayout)),
  })),
});
