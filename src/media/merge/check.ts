import { readMovie, type Track } from '../mp4/movie.ts';
import type { CommonFormat } from './format.ts';
import { frameTimesOf } from './member.ts';
import { offsetsOf } from './offsets.ts';
import type { Piece } from './pieces.ts';

/** Times are whole ticks, in the pieces and in the result. */
const TICKS_OFF = 2.5;
/** The edit list of a result may count in milliseconds. */
const ROUNDING_SEC = 0.002;
/** A packet and a half: what lies across an end is kept or dropped as a whole. */
const PACKETS_OFF = 1.5;
/** More silence than this between two packets is a hole that nobody put there. */
const HOLE_SEC = 0.1;

/** Clockwise degrees by the matrix of a track (ISO/IEC 14496-12, 8.3.2). */
function rotationOf({ matrix }: Track): number {
  const degrees = (Math.atan2(matrix.readInt32BE(4), matrix.readInt32BE(0)) * 180) / Math.PI;
  return (Math.round(degrees) + 360) % 360;
}

/** Whether every frame of every piece is there, each at its own time, each later than the one before. */
function hasAllFrames(picture: Track, pieces: readonly Piece[], offsets: readonly number[]): boolean {
  const shown = frameTimesOf(picture);
  const allowedSec = TICKS_OFF / picture.timescale + ROUNDING_SEC;
  let at = 0;
  for (const [piece, { frameTimes }] of pieces.entries()) {
    for (const time of frameTimes) {
      const found = shown[at] ?? Number.NaN;
      if (!(Math.abs(found - time - (offsets[piece] ?? 0)) <= allowedSec)) return false;
      if (at > 0 && found <= (shown[at - 1] ?? 0)) return false;
      at += 1;
    }
  }
  return at === shown.length;
}

/** Whether a track of sound runs through, from where the first piece's begins to where the last one's ends. */
function hasAllSound(
  track: Track,
  pieces: readonly Piece[],
  offsets: readonly number[],
  number: number,
): boolean {
  const { samples, shift, timescale } = track;
  const [first, last] = [pieces[0]?.sounds[number], pieces.at(-1)?.sounds[number]];
  if (!first || !last) return false;
  const packetSec = first.packetTicks / timescale;
  const beginSec = Math.max(0, ((samples.shownTimes[0] ?? 0) + shift) / timescale);
  const endSec = (samples.endTime + shift) / timescale;
  const lastEndSec = (offsets[pieces.length - 1] ?? 0) + last.endSec;
  if (Math.abs(beginSec - first.startSec) > packetSec + ROUNDING_SEC) return false;
  if (Math.abs(endSec - lastEndSec) > PACKETS_OFF * packetSec + ROUNDING_SEC) return false;
  for (let at = 1; at < samples.count; at++) {
    const ticks = (samples.decodeTimes[at] ?? 0) - (samples.decodeTimes[at - 1] ?? 0);
    if (!(ticks > 0) || ticks / timescale > packetSec + HOLE_SEC) return false;
  }
  return true;
}

/** Compares a result with what it was made of, by its index; nothing is decoded. */
export async function isTrueToPieces(
  path: string,
  pieces: readonly Piece[],
  format: CommonFormat,
): Promise<boolean> {
  const movie = await readMovie(path);
  const [picture, ...sounds] = movie?.tracks ?? [];
  if (picture?.kind !== 'video' || sounds.length !== format.sounds.length) return false;
  const offsets = offsetsOf(pieces);
  return (
    rotationOf(picture) === format.picture.rotation &&
    hasAllFrames(picture, pieces, offsets) &&
    sounds.every((track, number) => hasAllSound(track, pieces, offsets, number))
  );
}

/** Key frames of a result up to its joins: a little before each, where one is near, else at the join itself. */
export interface SeamPlace {
  fromSec: number;
  toSec: number;
}

const BEFORE_SEC = 0.4;
const AFTER_SEC = 0.15;

/** Gives the times around joins that are worth decoding. */
export async function seamPlaces(path: string, pieces: readonly Piece[]): Promise<SeamPlace[]> {
  const picture = (await readMovie(path))?.tracks[0];
  if (!picture) return [];
  const { samples, shift, timescale } = picture;
  const keyTimes = samples.shownTimes
    .filter((_, at) => samples.isSync[at] === 1)
    .map((time) => (time + shift) / timescale)
    .sort();
  // The same two pieces meet in the same way wherever they do.
  const met = pieces.map(({ name }, at) => `${pieces[at - 1]?.name} ${name}`);
  return offsetsOf(pieces)
    .slice(1, -1)
    .filter((_, at) => met.indexOf(met[at + 1] as string) === at + 1)
    .map((joinSec) => {
      const before = keyTimes.findLast((time) => time < joinSec - ROUNDING_SEC) ?? 0;
      const fromSec = joinSec - before <= BEFORE_SEC ? before : joinSec;
      return { fromSec, toSec: joinSec + AFTER_SEC };
    });
}
