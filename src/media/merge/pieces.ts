import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { soundStreamsOf } from '../../domain/media.ts';
import { damaged, uselessRun } from '../complaints.ts';
import { rethrowDiskError } from '../diskErrors.ts';
import { percentOfLength } from '../progress.ts';
import type { Runner, Watch } from '../runner.ts';
import { type PieceSound, pieceArgs } from './commands.ts';
import type { CommonFormat } from './format.ts';
import { encodeLimits, soundLimits } from './limits.ts';
import { inspectMember, type Member } from './member.ts';
import { pictureFilters } from './pictureFilters.ts';
import type { MergeInput, MergeRequest } from './request.ts';
import { isCopy, type Treatment } from './treatment.ts';

/** A member of the join under a name of ours, and what was done for it. */
export interface Piece extends Member {
  name: string;
  treatment: Treatment;
}

export interface PieceWork {
  request: MergeRequest;
  format: CommonFormat;
  /** Where pieces are written and named. */
  folder: string;
  /** Whether a picture that turns out not to be copied well may be encoded. */
  mayEncodePictures: boolean;
}

/** An encoded piece may lack this much of what the record promised, for headers that round. */
const MISSING_SEC = 2;
const MISSING_SHARE = 0.05;

/** Whether the streams that are taken come first in the file: the list takes them by their places. */
const hasUsualOrder = ({ facts }: MergeInput, { sounds }: CommonFormat): boolean =>
  [facts.videoStreamIndex, ...soundStreamsOf(facts).map(({ index }) => index)]
    .slice(0, 1 + sounds.length)
    .every((index, at) => index === at);

/** Gives an input a name of ours, if it can be a member just as it is. */
async function linkInput(
  input: MergeInput,
  place: string,
  treatment: Treatment,
  { folder, format }: PieceWork,
): Promise<Piece | null> {
  const { inputPath } = input;
  const member = hasUsualOrder(input, format) ? await inspectMember(inputPath, format) : null;
  if (!member) return null;
  const name = `input-${place}.mp4`;
  await symlink(resolve(inputPath), join(folder, name)).catch(rethrowDiskError);
  return { ...member, name, treatment };
}

/** Makes the function that brings inputs into the common format. */
export function createPieceMaker({ runner }: { runner: Runner }) {
  /** Null when what came of it cannot be a member. */
  const writePiece = async (
    input: MergeInput,
    name: string,
    treatment: Treatment,
    { request, format, folder }: PieceWork,
    watch: Watch,
  ): Promise<Piece | null> => {
    const { inputPath, facts } = input;
    const outputPath = join(folder, name);
    const isEncoded = treatment.picture === 'encode';
    const args = pieceArgs({
      ...{ inputPath, outputPath, streamIndex: facts.videoStreamIndex, format: format.picture },
      pictureFilters: isEncoded ? pictureFilters(input, format.picture, request.fit) : null,
      sounds: pieceSounds(input, treatment, format),
      lengthSec: facts.durationSec,
    });
    const limits = isEncoded
      ? encodeLimits(input, format.picture)
      : soundLimits(facts.sizeBytes, facts.durationSec);
    const percentOf = percentOfLength(facts.durationSec);
    const run = await runner.run({ tool: 'ffmpeg', args, limits, output: 'progress', percentOf }, watch);
    if (isEncoded && run.exitCode !== 0) throw uselessRun('ffmpeg', run);
    const member = run.exitCode === 0 ? await inspectMember(outputPath, format) : null;
    if (!member) return null;
    assertComplete(input, member);
    return { ...member, name, treatment };
  };

  /**
   * Gives an input as a piece, written anew only where that is needed. Where copying is not enough the picture is
   * encoded, if it may be.
   *
   * @param place what no other piece has in its name
   *
   * @returns null when its picture must be encoded and may not be
   * @throws UnusableMediaError `corrupt_media` when too little of it can be decoded; as `Runner.run`
   */
  return async function makePiece(
    input: MergeInput,
    place: string,
    wanted: Treatment,
    work: PieceWork,
    watch: Watch,
  ): Promise<Piece | null> {
    const direct = isCopy(wanted) ? await linkInput(input, place, wanted, work) : null;
    if (direct) return direct;
    if (wanted.picture === 'copy') {
      const copied = await writePiece(input, `copy-${place}.mp4`, wanted, work, watch);
      if (copied) return copied;
    }
    if (!work.mayEncodePictures) return null;
    const treatment: Treatment = { ...wanted, picture: 'encode' };
    const encoded = await writePiece(input, `encode-${place}.mp4`, treatment, work, watch);
    if (!encoded) throw damaged();
    return encoded;
  };
}

function assertComplete({ facts }: MergeInput, { lengthSec }: Member): void {
  const missingSec = facts.durationSec - lengthSec;
  if (missingSec > MISSING_SEC + facts.durationSec * MISSING_SHARE) throw damaged();
}

function pieceSounds({ facts }: MergeInput, treatment: Treatment, format: CommonFormat): PieceSound[] {
  const streams = soundStreamsOf(facts);
  return format.sounds.map((sound, track) => {
    const kind = treatment.sounds[track] ?? 'silence';
    const stream = streams[track];
    if (kind === 'silence' || !stream) return { kind: 'silence', format: sound };
    const streamIndex = stream.index;
    return kind === 'copy' ? { kind, streamIndex } : { kind, streamIndex, format: sound };
  });
}
