import type { Runner, Watch } from '../runner.ts';
import type { CommonFormat } from './format.ts';
import { countTimes } from './member.ts';
import { offsetsOf, trainOf } from './offsets.ts';
import { createPieceMaker, type Piece, type PieceWork } from './pieces.ts';
import { findHoles } from './soundTrain.ts';
import { isQuick, type Treatment } from './treatment.ts';

/** Holes in the sound up to this much, all together, are left: half of what is noticed. */
const MISSING_SOUND_SEC = 0.02;
const UNHEARD_SEC = 0.001;

/**
 * Frames and packets of all pieces together, each a number in memory; six hours at 120 frames a second with four tracks
 * of sound have 7 million. More is no recording, and is encoded: what we write is regular.
 */
const MAX_COPIED_TIMES = 8_000_000;

/** Whether a piece has no sound where it begins or ends, at a join. */
function isOpenAtJoin(pieces: readonly Piece[], at: number, track: number): boolean {
  const piece = pieces[at];
  const sound = piece?.sounds[track];
  if (!piece || !sound) return false;
  const before = at === 0 ? 0 : sound.startSec;
  const behind = at === pieces.length - 1 ? 0 : piece.lengthSec - sound.endSec;
  return before > UNHEARD_SEC || behind > UNHEARD_SEC;
}

/**
 * Gives the pieces whose sound must be encoded, with silence in its holes: players that only count samples come
 * early by as much as the holes add up to.
 */
function findOpenPieces(pieces: readonly Piece[], track: number): boolean[] {
  const offsets = offsetsOf(pieces);
  const timescale = pieces[0]?.sounds[track]?.timescale ?? 1;
  const times = pieces.map(({ sounds }, at) => {
    const startTicks = Math.round((offsets[at] ?? 0) * timescale);
    return (sounds[track]?.packetTimes ?? new Float64Array()).map((time) => time + startTicks);
  });
  const holes = findHoles(trainOf(pieces, track), times);
  const isTooMuch = holes.reduce((sum, ticks) => sum + ticks, 0) / timescale > MISSING_SOUND_SEC;
  return pieces.map((_, at) => {
    const isBeside = (holes[at] ?? 0) > 0 || (holes[at + 1] ?? 0) > 0;
    return isTooMuch && isBeside && isOpenAtJoin(pieces, at, track);
  });
}

/** What must be done besides, now that the pieces are known: holes, and packets of other lengths than the first's. */
function mendSounds(pieces: readonly Piece[], format: CommonFormat): Treatment[] {
  const holes = format.sounds.map((_, track) => findOpenPieces(pieces, track));
  return pieces.map(({ treatment, sounds }, at) => ({
    ...treatment,
    sounds: treatment.sounds.map((each, track) => {
      const isLikeOthers = sounds[track]?.packetTicks === pieces[0]?.sounds[track]?.packetTicks;
      const isGood = each !== 'copy' || (isLikeOthers && !holes[track]?.[at]);
      return isGood || !format.sounds[track]?.isEncodable ? each : 'encode';
    }),
  }));
}

const isSame = (one: Treatment, other: Treatment | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** Makes the function that prepares what is joined. */
export function createPreparation({ runner }: { runner: Runner }) {
  const makePiece = createPieceMaker({ runner });

  /** Makes each different piece once, in the order of the inputs. Null when it must not be done so. */
  const makePieces = async (
    treatments: readonly Treatment[],
    work: PieceWork,
    watchOf: (pass: number) => Watch,
    { made, round }: { made: Map<string, Piece>; round: string },
  ): Promise<Piece[] | null> => {
    const pieces: Piece[] = [];
    let timesLeft = work.format.picture.key === null ? Number.POSITIVE_INFINITY : MAX_COPIED_TIMES;
    for (const [at, input] of work.request.inputs.entries()) {
      const keyOf = (treatment: Treatment) => `${input.inputPath}\n${JSON.stringify(treatment)}`;
      const wanted = treatments[at] as Treatment;
      const piece =
        made.get(keyOf(wanted)) ?? (await makePiece(input, `${round}${at}`, wanted, work, watchOf(at)));
      if (!piece) return null;
      // It may have turned out that copying was not enough.
      made.set(keyOf(wanted), piece).set(keyOf(piece.treatment), piece);
      pieces.push(piece);
      timesLeft -= countTimes(piece);
      if (timesLeft < 0) return null;
      watchOf(at).onProgress(100);
    }
    return pieces;
  };

  /**
   * Gives all inputs as pieces that can be laid end to end.
   *
   * @returns null when pictures must be encoded and may not be, when sound takes longer than short work may, or when
   * what is copied is made of more frames and packets than any recording
   * @throws as `makePiece`
   */
  return async function preparePieces(
    treatments: readonly Treatment[],
    work: PieceWork,
    watchOf: (pass: number) => Watch,
  ): Promise<Piece[] | null> {
    const made = new Map<string, Piece>();
    const pieces = await makePieces(treatments, work, watchOf, { made, round: 'a' });
    if (!pieces) return null;
    const mended = mendSounds(pieces, work.format);
    if (mended.every((treatment, at) => isSame(treatment, pieces[at]?.treatment))) return pieces;
    if (!work.mayEncodePictures && !isQuick(work.request.inputs, mended)) return null;
    return makePieces(mended, work, watchOf, { made, round: 'b' });
  };
}
