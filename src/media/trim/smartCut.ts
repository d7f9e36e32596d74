import { type FileHandle, open } from 'node:fs/promises';
import { type MediaFacts, videoStreamOf } from '../../domain/media.ts';
import { inFull } from '../inFull.ts';
import { type AvcParameters, freeSetId, isIdr, readAvc, withParameters } from '../mp4/avc.ts';
import { readMovie, type Track } from '../mp4/movie.ts';
import { joinPieces, type OutputMovie, type Piece } from '../mp4/outputTrack.ts';
import type { Runner, Watch } from '../runner.ts';
import { profileOf, seamEncoder } from './commands.ts';
import { encodeRange } from './encodeRange.ts';
import { type Look, planSmartCut, type Selection, type SmartPlan, workSecOf } from './plan.ts';
import type { OpenSource } from './source.ts';

const CONTAINERS = ['mp4', 'mov', 'mkv'];
const PIXEL_FORMATS = ['yuv420p', 'yuvj420p'];

/** Whether a video is of the kind whose pieces ours can be made to match. */
export function isSmartKind(facts: MediaFacts): boolean {
  const stream = videoStreamOf(facts);
  return (
    stream !== undefined &&
    facts.videoCodec === 'h264' &&
    CONTAINERS.includes(facts.container) &&
    PIXEL_FORMATS.includes(stream.pixelFormat ?? '') &&
    stream.fieldOrder === 'progressive' &&
    profileOf(stream) !== null
  );
}

/** What a cut needs to be written and checked. */
export interface CutVideo {
  movie: OutputMovie;
  /** When each picture is shown, in ticks counted from the first. */
  times: number[];
  /** Where pieces meet, in the same ticks. */
  seams: number[];
}

export interface SmartRequest {
  source: OpenSource;
  selection: Selection;
  facts: MediaFacts;
  /** Begins the names of what is made on the way. */
  scratchPath: string;
  /** Whether what must be encoded, in seconds of work, is to be. */
  isAccepted(workSec: number): boolean;
}

interface EncodedPiece {
  /** Which file it is of is known with all of them. */
  piece: Omit<Piece, 'file'>;
  path: string;
  avc: AvcParameters;
}

/**
 * Finds what of a range can be copied and encodes the pictures before and behind it.
 *
 * @returns null when too little can be copied, the work is not accepted, or what was encoded is not what was asked for
 * @throws as `encodeRange`
 */
export async function cutSmart(
  runner: Runner,
  request: SmartRequest,
  watch: Watch,
): Promise<CutVideo | null> {
  const { source, selection } = request;
  const { movie, video } = source;
  const avc = readAvc(video.entry);
  const setId = avc?.lengthBytes === 4 ? freeSetId(avc) : null;
  if (!avc || setId === null) return null;
  const plan = await planCut(request, watch);
  if (!plan) return null;
  const { head, copied, tail } = plan;
  const seam = { ...request, setId };
  const [headWatch, tailWatch] = head.length < tail.length ? [quiet(watch), watch] : [watch, quiet(watch)];
  const encoded = await bothOf(
    encodePiece(runner, { ...seam, times: head, path: `${request.scratchPath}.head.mp4` }, headWatch),
    encodePiece(runner, { ...seam, times: tail, path: `${request.scratchPath}.tail.mp4` }, tailWatch),
  );
  if (encoded === null) return null;
  const [before, behind] = encoded;
  const pieces = [
    ...(before === 'none' ? [] : [{ ...before, times: head }]),
    { piece: { track: video, from: plan.from, to: plan.to }, path: movie.path, avc, times: copied },
    ...(behind === 'none' ? [] : [{ ...behind, times: tail }]),
  ];
  return assemblePieces(pieces, video, selection);
}

async function planCut(request: SmartRequest, { signal }: Watch): Promise<SmartPlan | null> {
  const { source, selection, facts, isAccepted } = request;
  const { movie, video } = source;
  const file = await open(movie.path);
  try {
    const plan = await planSmartCut(video, selection, createLook(file, video, signal));
    return plan && isAccepted(workSecOf(video, plan, facts.width * facts.height)) ? plan : null;
  } finally {
    await file.close();
  }
}

/** Makes the look into samples; it throws the signal's reason when aborted. */
export const createLook =
  (file: FileHandle, video: Track, signal: AbortSignal): Look =>
  (sample) => {
    signal.throwIfAborted();
    return isIdr(file, video, sample);
  };

const quiet = (watch: Watch): Watch => ({ ...watch, onProgress: () => undefined });

type Encoded = EncodedPiece | 'none' | null;

/** Waits for both, whatever happens; null when one of them is not right. */
async function bothOf(
  one: Promise<Encoded>,
  other: Promise<Encoded>,
): Promise<[Exclude<Encoded, null>, Exclude<Encoded, null>] | null> {
  const [first, second] = await inFull([one, other]);
  return first === null || second === null ? null : [first, second];
}

interface PieceRequest extends SmartRequest {
  setId: number;
  times: number[];
  path: string;
}

/** A quarter of a tick: thresholds lie between pictures. */
const BETWEEN = 0.25;

async function encodePiece(runner: Runner, request: PieceRequest, watch: Watch): Promise<Encoded> {
  const { times, source, facts, setId, path } = request;
  const { movie, video } = source;
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return 'none';
  const ownSec = (tick: number) => (tick + video.shift) / video.timescale;
  const seekSec = Math.max(0, Math.floor(ownSec(first) - movie.originSec));
  const [fromSec, toSec] = [first - BETWEEN, last + BETWEEN].map((tick) => ownSec(tick) - seekSec) as [
    number,
    number,
  ];
  const range = { seekSec, fromSec, toSec, soundToSec: toSec, isOwnLine: true };
  const encoder = seamEncoder(facts, setId);
  const input = { inputPath: movie.path, streamIndex: video.index, outputPath: path };
  const run = await encodeRange(runner, { ...input, facts, range, encoder, sound: [] }, watch);
  const track = run.exitCode === 0 ? (await readMovie(path))?.tracks[0] : undefined;
  const avc = track ? readAvc(track.entry) : null;
  const isWhole = track?.samples.count === times.length && avc?.lengthBytes === 4;
  const firstSeenSec = run.progress.firstSeenSec ?? Number.NaN;
  const isInPlace = Math.abs(firstSeenSec + seekSec - ownSec(first)) < 0.001;
  if (!track || !avc || !isWhole || !isInPlace) return null;
  return { piece: { track, from: 0, to: times.length }, path, avc };
}

type TimedPiece = EncodedPiece & { times: number[] };

/** Lays the pieces end to end under one sample entry that knows the parameters of all. */
function assemblePieces(
  pieces: TimedPiece[],
  video: Track,
  { times, begin, end }: Selection,
): CutVideo | null {
  const zero = times[0] as number;
  const shown = pieces.map((each) => each.times.map((time) => time - zero));
  const numbered = pieces.map(({ piece }, file) => ({ ...piece, file }));
  const joined = joinPieces(numbered, shown, end - begin);
  if (!joined) return null;
  const others = pieces.map(({ avc }) => avc);
  const track = {
    ...{ ...video, ...joined, entry: withParameters(video.entry, others) },
    ...{ silentSec: 0, lengthSec: (end - begin) / video.timescale },
  };
  return {
    movie: { files: pieces.map(({ path }) => path), tracks: [track] },
    times: shown.flat(),
    seams: shown.slice(1).map((piece) => piece[0] as number),
  };
}
