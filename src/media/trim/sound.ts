import type { MediaFacts } from '../../domain/media.ts';
import type { Movie, Track } from '../mp4/movie.ts';
import { makeSamples, type OutputTrack } from '../mp4/outputTrack.ts';

/** Packets a decoder wants to have seen before it gives the right sound: each builds on what came before. */
const PACKETS_BEFORE: Record<string, number> = { mp4a: 1, '.mp3': 2, Opus: 4 };

/** Codes below this, and this one, are QuickTime's own numbers for languages. */
const FIRST_ISO_LANGUAGE = 0x400;
const UNSPECIFIED = 0x7fff;
const UNDETERMINED = 0x55c4;

/** Three letters in five bits each (ISO/IEC 14496-12, 8.4.2). */
export function packLanguage(tag: string | null): number {
  if (!tag || !/^[a-z]{3}$/.test(tag)) return UNDETERMINED;
  return [...tag].reduce((packed, letter) => packed * 32 + letter.charCodeAt(0) - 0x60, 0);
}

/** Gives the language a track of the result is marked with. */
export const languageOf = ({ language, index }: Track, facts: MediaFacts): number =>
  language >= FIRST_ISO_LANGUAGE && language !== UNSPECIFIED
    ? language
    : packLanguage(facts.streams.find((stream) => stream.index === index)?.language ?? null);

/**
 * Cuts one sound track to a range of the movie: whole packets, the edit list telling to the sample where
 * to begin. Null when it is silent all through the range.
 */
export function cutSound(
  track: Track,
  file: number,
  range: { fromSec: number; toSec: number },
): OutputTrack | null {
  const { samples, timescale, shift, shownFrom, shownTo } = track;
  const begin = Math.max(range.fromSec * timescale, shownFrom) - shift;
  const end = Math.min(range.toSec * timescale, shownTo) - shift;
  const endOf = (sample: number) => samples.decodeTimes[sample + 1] ?? samples.endTime;
  let first = 0;
  while (first < samples.count && endOf(first) <= begin) first++;
  let last = first;
  while (last < samples.count && (samples.decodeTimes[last] as number) < end) last++;
  if (last === first) return null;
  const heardFrom = Math.max(begin, samples.decodeTimes[first] as number);
  const heardTo = Math.min(end, endOf(last - 1));
  first = Math.max(0, first - (PACKETS_BEFORE[track.entry.toString('latin1', 4, 8)] ?? 0));
  return {
    ...track,
    samples: copySamples(track, file, first, last),
    silentSec: Math.max(0, (heardFrom + shift) / timescale - range.fromSec),
    mediaTime: Math.round(heardFrom - (samples.decodeTimes[first] as number)),
    lengthSec: (heardTo - heardFrom) / timescale,
  };
}

function copySamples({ samples }: Track, file: number, from: number, to: number) {
  const copied = makeSamples(to - from);
  copied.files.fill(file);
  copied.offsets.set(samples.offsets.subarray(from, to));
  copied.sizes.set(samples.sizes.subarray(from, to));
  copied.isSync.fill(1);
  for (let at = from; at < to; at++) {
    const next = samples.decodeTimes[at + 1] ?? samples.endTime;
    copied.durations[at - from] = next - (samples.decodeTimes[at] as number);
  }
  return copied;
}

/** Cuts all sound tracks of a movie to a range of the movie. */
export function cutAllSound(
  movie: Movie,
  { file, facts, ...range }: { file: number; facts: MediaFacts; fromSec: number; toSec: number },
): OutputTrack[] {
  const tracks = movie.tracks.filter(({ kind }) => kind === 'audio');
  return tracks.flatMap((track) => {
    const cut = cutSound(track, file, range);
    return cut ? [{ ...cut, language: languageOf(track, facts) }] : [];
  });
}
