import { rename, rm } from 'node:fs/promises';
import { UnusableMediaError } from '../../errors.ts';
import { uselessRun } from '../complaints.ts';
import { rethrowDiskError } from '../diskErrors.ts';
import type { EditOutcome } from '../editOutcome.ts';
import { createPasses } from '../passes.ts';
import type { Runner, ToolRun, Watch } from '../runner.ts';
import { toolFailed } from '../toolFailure.ts';
import { createResultCheck, expectationOf } from './checkResult.ts';
import { soundOptions, wholeEncoder } from './commands.ts';
import { encodeRange } from './encodeRange.ts';
import { type Movie, readMovie, type Track } from './movie.ts';
import { joinPieces } from './outputTrack.ts';
import { cutAllSound } from './sound.ts';
import type { TrimRequest } from './trimRequest.ts';
import { writeMovie } from './writeMovie.ts';

/** Sound that is copied begins a packet late: it is read from before the range, and cut with its pictures. */
const READ_BEFORE_SEC = 1;
/** Of the time: encoding, writing, checking. */
const SHARES = [90, 7, 3];

const ROUNDING_SEC = 5e-7;

const nothingToShow = () =>
  new UnusableMediaError('corrupt_media', 'No picture begins within the range; choose a longer one');

/** All of what was encoded, its sound cut to its pictures. */
function laidOut(movie: Movie, video: Track, request: TrimRequest, rangeSec: number) {
  const { samples, timescale, shift } = video;
  const shown = Array.from(samples.shownTimes).sort((one, other) => one - other);
  const [zero, last] = [shown[0] as number, shown.at(-1) as number];
  const usualTicks = timescale / (request.facts.fps ?? 30);
  // After uneven pictures the last one's length is a guess of the encoder's.
  const end = Math.min(samples.endTime, Math.max(last + usualTicks, zero + rangeSec * timescale));
  const times = shown.map((time) => time - zero);
  const length = Math.max(Math.round(end) - zero, last - zero + 1);
  const joined = joinPieces([{ file: 0, track: video, from: 0, to: samples.count }], [times], length);
  if (!joined) return null;
  const [fromSec, toSec] = [zero, zero + length].map((tick) => (tick + shift) / timescale) as [
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

export type TrimByEncoding = ReturnType<typeof createTrimByEncoding>;

/** Makes the function that trims anything that can be decoded. */
export function createTrimByEncoding({ runner }: { runner: Runner }) {
  const checkResult = createResultCheck({ runner });

  const encode = (request: TrimRequest, seekSec: number, path: string, watch: Watch): Promise<ToolRun> => {
    const { facts, inputPath, startSec, endSec } = request;
    const [fromSec, toSec] = [startSec, endSec].map((time) => time - seekSec - ROUNDING_SEC);
    return encodeRange(
      runner,
      {
        ...{ inputPath, outputPath: path, streamIndex: facts.videoStreamIndex, facts },
        range: { seekSec, fromSec: fromSec as number, toSec: toSec as number, isOwnLine: false },
        ...{ encoder: wholeEncoder(facts), sound: soundOptions(facts) },
      },
      watch,
    );
  };

  /**
   * Trims by encoding the pictures of the range once, in H.264; sound is copied where it plays everywhere,
   * else made AAC.
   *
   * @throws UnusableMediaError `corrupt_media` when the range has no picture; MediaToolError when the result
   * did not turn out as it should; as `Runner.run`
   */
  return async function trimByEncoding(request: TrimRequest, watch: Watch): Promise<EditOutcome> {
    const { outputPath, startSec, endSec } = request;
    const encodedPath = `${outputPath}.encoded.mp4`;
    const partPath = `${outputPath}.part`;
    const passOf = createPasses(watch, SHARES);
    const seekSec = Math.max(0, Math.floor(startSec) - READ_BEFORE_SEC);
    try {
      const run = await encode(request, seekSec, encodedPath, passOf(0));
      if (run.exitCode !== 0) throw uselessRun('ffmpeg', run);
      const movie = await readMovie(encodedPath);
      const video = movie?.tracks.find(({ kind }) => kind === 'video');
      if (!movie || !video || run.progress.firstSeenSec === null) throw nothingToShow();
      const cut = laidOut(movie, video, request, endSec - startSec);
      if (!cut) throw toolFailed('ffmpeg', run, new Error('two pictures at one time'));
      const writing = passOf(1);
      const onShare = (share: number) => writing.onProgress(share * 100);
      const isWhole = await writeMovie(partPath, cut.output, { signal: watch.signal, onShare });
      const expected = expectationOf(cut.output, cut.times, []);
      const isRight = isWhole && (await checkResult(partPath, expected, passOf(2)));
      if (!isRight) throw toolFailed('ffmpeg', run, new Error('the result is not what it should be'));
      await rename(partPath, outputPath).catch(rethrowDiskError);
      const usedStartSec = Math.round((seekSec + run.progress.firstSeenSec) * 1e5) / 1e5;
      const usedEndSec = Math.round((usedStartSec + cut.lengthSec) * 1e5) / 1e5;
      return { method: 'encode', usedStartSec, usedEndSec };
    } finally {
      await Promise.all([encodedPath, partPath].map((path) => rm(path, { force: true })));
    }
  };
}
