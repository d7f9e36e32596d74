import type { Track } from './movie.ts';

/** The samples of a track to be written, in decode order; times in ticks of the track. */
export interface OutputSamples {
  count: number;
  /** Which of the movie's files holds each one, and where. */
  files: Uint8Array;
  offsets: Float64Array;
  sizes: Uint32Array;
  /** How long until the next one is decoded. */
  durations: Uint32Array;
  /** How long from decoding to showing. */
  delays: Uint32Array;
  isSync: Uint8Array;
}

export type TrackHead = Pick<
  Track,
  'kind' | 'timescale' | 'entry' | 'language' | 'extendedLanguage' | 'matrix' | 'displaySize' | 'isEnabled'
>;

export interface OutputTrack extends TrackHead {
  samples: OutputSamples;
  /** Nothing is shown or heard for this long first. */
  silentSec: number;
  /** Then what begins at this tick of the samples' own line, */
  mediaTime: number;
  /** for so long. */
  lengthSec: number;
}

export interface OutputMovie {
  /** The files the samples stand in. */
  files: string[];
  tracks: OutputTrack[];
}

export const makeSamples = (count: number): OutputSamples => ({
  count,
  files: new Uint8Array(count),
  offsets: new Float64Array(count),
  sizes: new Uint32Array(count),
  durations: new Uint32Array(count),
  delays: new Uint32Array(count),
  isSync: new Uint8Array(count),
});

/** One run of samples for a track: which of a file's, in decode order. */
export interface Piece {
  file: number;
  track: Track;
  from: number;
  to: number;
}

/**
 * Lays pieces of video end to end under new times.
 *
 * Decode times are made anew: the k-th sample is decoded when the k-th picture is shown, and everything is
 * shown later by the longest delay that makes. So pieces of different encoders meet without a gap or a step
 * back, whatever their own decode times were.
 *
 * @param shownTimes for each piece its pictures' times, rising, counted from the first picture of all
 * @param endTime when the last picture ends
 * @returns null when two pictures would be shown at the same time
 */
export function joinPieces(pieces: readonly Piece[], shownTimes: readonly number[][], endTime: number) {
  const all = shownTimes.flat();
  const samples = makeSamples(all.length);
  let [at, latestDelay] = [0, 0];
  const wanted = new Float64Array(all.length);
  for (const [place, { file, track, from, to }] of pieces.entries()) {
    const times = shownTimes[place] as number[];
    if (times.length !== to - from) return null;
    for (const [offset, rank] of ranks(track.samples.shownTimes.subarray(from, to)).entries()) {
      samples.files[at] = file;
      samples.offsets[at] = track.samples.offsets[from + offset] as number;
      samples.sizes[at] = track.samples.sizes[from + offset] as number;
      samples.isSync[at] = track.samples.isSync[from + offset] as number;
      wanted[at] = times[rank] as number;
      latestDelay = Math.max(latestDelay, (all[at] as number) - (times[rank] as number));
      at++;
    }
  }
  for (at = 0; at < all.length; at++) {
    const duration = (all[at + 1] ?? endTime) - (all[at] as number);
    if (!(duration > 0)) return null;
    samples.durations[at] = duration;
    samples.delays[at] = (wanted[at] as number) + latestDelay - (all[at] as number);
  }
  return { samples, mediaTime: latestDelay };
}

/** For each time its place among the sorted ones. */
function ranks(times: Float64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, at) => at).sort(
    (one, other) => (times[one] as number) - (times[other] as number),
  );
  const places = new Uint32Array(times.length);
  for (const [rank, at] of order.entries()) places[at] = rank;
  return places;
}
