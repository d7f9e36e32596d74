import { rename, rm } from 'node:fs/promises';
import { MediaToolError, UnusableMediaError } from '../../errors.ts';
import { uselessRun } from '../complaints.ts';
import { rethrowDiskError } from '../diskErrors.ts';
import type { EditOutcome } from '../editOutcome.ts';
import { type Movie, readMovie, type Track } from '../mp4/movie.ts';
import { joinPieces } from '../mp4/outputTrack.ts';
import { writeMovie } from '../mp4/writeMovie.ts';
import { createPasses } from '../passes.ts';
import type { Runner, ToolRun, Watch } from '../runner.ts';
import { toolFailed } from '../toolFailure.ts';
import { createCopyingTrim, isQuick } from './byCopying.ts';
import { createResultCheck, expectationOf } from './checkResult.ts';
import { soundOptions, wholeEncoder } from './commands.ts';
import { encodeRange } from './encodeRange.ts';
import { findHeldPicture } from './heldPicture.ts';
import { HELD_SEC } from './plan.ts';
import { cutAllSound } from './sound.ts';
import type { TrimRequest } from './trimRequest.ts';

/** Sound that is copied begins a packet late: it is read from before the range, and cut with its pictures. */
const READ_BEFORE_SEC = 1;
/** Of the time: encoding, writing, checking. */
const SHARES = [90, 7, 3];

const ROUNDING_SEC = 5e-7;
/** Of times that a tool has told. */
const TOLD_SEC = 2e-5;

const nothingToShow = () =>
  new UnusableMediaError('corrupt_media', 'No picture is shown within the range; choose another one');

/** Pictures that were encoded. */
interface Encoded {
  run: ToolRun;
  path: string;
  /** When the first one is shown; from then on, or from `heldFromSec` on, is the result. */
  firstSec: number;
  heldFromSec: number | null;
}

/** All of what was encoded, its sound cut to its pictures. */
function laidOut(movie: Movie, video: Track, request: TrimRequest, { firstSec, heldFromSec }: Encoded) {
  const { samples, timescale, shift } = video;
  const { facts, endSec } = request;
  const shown = Array.from(samples.shownTimes).sort((one, other) => one - other);
  const [first, last] = [shown[0] as number, shown.at(-1) as number];
  const heldTicks = heldFromSec === null ? 0 : Math.round((heldFromSec - firstSec) * timescale);
  const times = shown.map((time, at) => (at === 0 ? 0 : time - first - heldTicks));
  // After uneven pictures the last one's length is a guess of the encoder's; it is shown until the range ends.
  const lastTicks = Math.min(samples.endTime - last, timescale / (facts.fps ?? 30));
  const rangeTicks = (Math.min(endSec, facts.durationSec) - (heldFromSec ?? firstSec)) * timescale;
  const lastTime = times.at(-1) as number;
  const shortest = heldFromSec === null ? lastTime + lastTicks : lastTime + 1;
  const length = Math.max(Math.round(Math.max(shortest, rangeTicks)), lastTime + 1);
  const joined = joinPieces([{ file: 0, track: video, from: 0, to: samples.count }], [times], length);
  if (!joined) return null;
  const begin = first + heldTicks;
  const [fromSec, toSec] = [begin, begin + length].map((tick) => (tick + shift) / timescale) as [
    number,
    number,
  ];
  const lengthSec = length / timescale;
  const sounds = cutAllSound(movie, { file: 0, facts: request.facts, fromSec, toSec });
  const tracks = [{ ...video, ...joined, silentSec: 0, lengthSec }, ...sounds];
  return {
    output: { files: [movie.path], tracks },
    times,
    lengthSec,
  };
}

/** Reads what was encoded, as the movie it is in the result. */
async function readEncoded(request: TrimRequest, encoded: Encoded) {
  const movie = await readMovie(encoded.path);
  const video = movie?.tracks.find(({ kind }) => kind === 'video');
  const cut = movie && video ? laidOut(movie, video, request, encoded) : null;
  // Its index is larger than what is read here, or two pictures have one time.
  if (!cut) throw toolFailed('ffmpeg', encoded.run, new Error('what was encoded cannot be laid out'));
  return cut;
}

export type TrimByEncoding = ReturnType<typeof createTrimByEncoding>;

/** Makes the function that trims anything that can be decoded. */
export function createTrimByEncoding({ runner }: { runner: Runner }) {
  const checkResult = createResultCheck({ runner });
  const trimCopying = createCopyingTrim({ runner });

  /** Encodes the pictures that begin from one time until another; null when none does. */
  const encode = async (
    { facts, inputPath, outputPath, endSec }: TrimRequest,
    { fromSec, toSec }: { fromSec: number; toSec: number },
    watch: Watch,
  ): Promise<Omit<Encoded, 'heldFromSec'> | null> => {
    const path = `${outputPath}.encoded.mp4`;
    const seekSec = Math.max(0, Math.floor(fromSec) - READ_BEFORE_SEC);
    const pictures = { fromSec: fromSec - seekSec, toSec: toSec - seekSec };
    const run = await encodeRange(
      runner,
      {
        ...{ inputPath, outputPath: path, streamIndex: facts.videoStreamIndex, facts },
        range: { ...{ seekSec, soundToSec: endSec - seekSec, isOwnLine: false }, ...pictures },
        ...{ encoder: wholeEncoder(facts), sound: soundOptions(facts) },
      },
      watch,
    );
    if (run.exitCode !== 0) throw uselessRun('ffmpeg', run);
    const { firstSeenSec } = run.progress;
    return firstSeenSec === null ? null : { run, path, firstSec: seekSec + firstSeenSec };
  };

  /** Encodes the pictures of the range; where it begins in a pause, the one that is shown then comes first. */
  const encodeShown = async (request: TrimRequest, watch: Watch): Promise<Encoded> => {
    const [startSec, endSec] = [request.startSec - ROUNDING_SEC, request.endSec - ROUNDING_SEC];
    const encoded = await encode(request, { fromSec: startSec, toSec: endSec }, watch);
    if (encoded && encoded.firstSec - request.startSec <= HELD_SEC) return { ...encoded, heldFromSec: null };
    const heldSec = await findHeldPicture(runner, { ...request, beforeSec: startSec }, watch);
    const toSec = encoded ? endSec : startSec;
    const held =
      heldSec === null ? null : await encode(request, { fromSec: heldSec - TOLD_SEC, toSec }, watch);
    if (held) return { ...held, heldFromSec: request.startSec };
    // A video whose picture begins later than its sound.
    if (encoded) return { ...encoded, heldFromSec: null };
    throw nothingToShow();
  };

  const encodeAll = async (request: TrimRequest, watch: Watch): Promise<EditOutcome> => {
    const partPath = `${request.outputPath}.part`;
    const passOf = createPasses(watch, SHARES);
    const encoded = await encodeShown(request, passOf(0));
    const cut = await readEncoded(request, encoded);
    const writing = passOf(1);
    const onShare = (share: number) => writing.onProgress(share * 100);
    const isWhole = await writeMovie(partPath, cut.output, { signal: watch.signal, onShare });
    const expected = expectationOf(cut.output, cut.times, []);
    const isRight = isWhole && (await checkResult(partPath, expected, passOf(2)));
    if (!isRight) throw toolFailed('ffmpeg', encoded.run, new Error('the result is not what it should be'));
    await rename(partPath, request.outputPath).catch(rethrowDiskError);
    const usedStartSec = Math.round((encoded.heldFromSec ?? encoded.firstSec) * 1e5) / 1e5;
    const usedEndSec = Math.round((usedStartSec + cut.lengthSec) * 1e5) / 1e5;
    return { method: 'encode', usedStartSec, usedEndSec };
  };

  /**
   * Trims by encoding, in H.264: only what cannot be copied, where that is more than `trimByCopying` does; else the
   * pictures of the range once. Sound is copied where it plays everywhere, else made AAC.
   *
   * @throws UnusableMediaError `corrupt_media` when no picture is shown in the range; MediaToolError when the
   * result did not turn out as it should; as `encodeRange`
   */
  return async function trimByEncoding(request: TrimRequest, watch: Watch): Promise<EditOutcome> {
    const rising = createPasses(watch, [1])(0);
    const { outputPath } = request;
    try {
      const copied = request.mode === 'exact' ? await copyMost(request, rising) : null;
      return copied ?? (await encodeAll(request, rising));
    } finally {
      await Promise.all(['.encoded.mp4', '.part'].map((end) => rm(outputPath + end, { force: true })));
    }
  };

  /** What is quick was tried before, and came to nothing. */
  function copyMost(request: TrimRequest, watch: Watch): Promise<EditOutcome | null> {
    const isUntried = (workSec: number) => !isQuick(workSec);
    return trimCopying(request, isUntried, watch).catch((error: unknown) => {
      if (error instanceof MediaToolError) return null;
      throw error;
    });
  }
}
