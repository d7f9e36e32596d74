import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaToolError } from '../../errors.ts';
import { rethrowDiskError } from '../diskErrors.ts';
import type { EditOutcome } from '../editOutcome.ts';
import { createPasses } from '../passes.ts';
import type { Runner, Watch } from '../runner.ts';
import { type CommonFormat, chooseEncodedFormat, chooseFormat } from './format.ts';
import { createJoiner } from './joiner.ts';
import { offsetsOf } from './offsets.ts';
import type { Piece, PieceWork } from './pieces.ts';
import { createPreparation } from './prepare.ts';
import type { MergeInput, MergeRequest } from './request.ts';
import { isCopy, isQuick, planTreatment, type Treatment } from './treatment.ts';

/** Seconds of work for a second of video, measured at 1080p30 on two cores. */
const ENCODE_COST = 0.4;
const SOUND_COST = 1 / 60;
const COPY_COST = 1 / 300;

function costOf({ facts }: MergeInput, { picture, sounds }: Treatment): number {
  const sound = sounds.filter((each) => each !== 'copy').length * SOUND_COST;
  return facts.durationSec * ((picture === 'encode' ? ENCODE_COST : COPY_COST) + sound);
}

function methodOf(pieces: readonly Piece[]): EditOutcome['method'] {
  if (pieces.every(({ treatment }) => treatment.picture === 'encode')) return 'encode';
  return pieces.every(({ treatment }) => isCopy(treatment)) ? 'copy' : 'smart';
}

/** Makes the functions that merge videos. */
export function createMerger({ runner }: { runner: Runner }) {
  const preparePieces = createPreparation({ runner });
  const joiner = createJoiner({ runner });

  /** Makes a result in one format. Null when its check failed, or when a picture may not be encoded. */
  const attempt = async (
    request: MergeRequest,
    format: CommonFormat,
    { mayEncodePictures }: Pick<PieceWork, 'mayEncodePictures'>,
    watch: Watch,
  ): Promise<EditOutcome | null> => {
    const { inputs, outputPath } = request;
    const treatments = inputs.map((input) => planTreatment(input, format));
    if (!mayEncodePictures && !isQuick(inputs, treatments)) return null;
    const shares = inputs.map((input, at) => costOf(input, treatments[at] as Treatment));
    const joinShare = inputs.reduce((sum, { facts }) => sum + facts.durationSec * COPY_COST, 0.2);
    const watchOf = createPasses(watch, [...shares, joinShare]);
    const folder = await mkdtemp(`${outputPath}.merge-`).catch(rethrowDiskError);
    try {
      const pieces = await preparePieces(treatments, { request, format, folder, mayEncodePictures }, watchOf);
      if (!pieces || !hasOneConfiguration(pieces) || (mayEncodePictures && wasTried(inputs, pieces)))
        return null;
      const sizeBytes = await totalSize(folder, pieces);
      const joined = await joiner.join({ pieces, format, folder, sizeBytes }, watchOf(inputs.length));
      if (!joined) return null;
      await rename(joined, outputPath).catch(rethrowDiskError);
      const startsSec = offsetsOf(pieces).slice(0, -1);
      return { method: methodOf(pieces), usedStartSec: null, usedEndSec: null, startsSec };
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  };

  return {
    /**
     * Lays inputs end to end with all pictures copied; sound is mended where that takes seconds.
     *
     * @returns null when pictures must be encoded, sound takes longer, or the check of the result failed
     * @throws UnusableMediaError `corrupt_media`; MediaToolError; as `Runner.run`
     */
    mergeByCopying: (request: MergeRequest, watch: Watch): Promise<EditOutcome | null> =>
      attempt(request, chooseFormat(request.inputs), { mayEncodePictures: false }, watch),

    /**
     * Merges inputs of any kind: what differs from the format of most seconds is encoded, and everything when a
     * result of copies does not pass its check.
     *
     * @throws UnusableMediaError `corrupt_media` when an input cannot be decoded; MediaToolError; as `Runner.run`
     */
    async mergeByEncoding(request: MergeRequest, watch: Watch): Promise<EditOutcome> {
      const { inputs } = request;
      const rising = createPasses(watch, [1])(0);
      const smart = chooseFormat(inputs);
      const encoded = chooseEncodedFormat(inputs);
      for (const format of smart.picture.key === null ? [encoded] : [smart, encoded]) {
        const outcome = await attempt(request, format, { mayEncodePictures: true }, rising);
        if (outcome) return outcome;
      }
      throw new MediaToolError('What was merged turned out to be unusable');
    },
  };
}

/** Frames of HEVC are not told apart by parameters of their own: one description must do for all. */
const hasOneConfiguration = (pieces: readonly Piece[]): boolean =>
  pieces.every(({ configuration }) => {
    const first = pieces[0]?.configuration ?? null;
    return configuration === null || first === null ? configuration === first : configuration.equals(first);
  });

/** Whether this is what copying has come to nothing with, before encoding was asked for. */
const wasTried = (inputs: readonly MergeInput[], pieces: readonly Piece[]): boolean =>
  isQuick(
    inputs,
    pieces.map(({ treatment }) => treatment),
  );

async function totalSize(folder: string, pieces: readonly Piece[]): Promise<number> {
  const sizes = await Promise.all(pieces.map(async ({ name }) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
