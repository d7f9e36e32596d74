import type { Config } from '../config.ts';
import type { MediaFacts } from '../domain/media.ts';
import { UnusableMediaError } from '../errors.ts';
import { measureLengthArgs, probeArgs } from './commands.ts';
import { type HeaderFacts, readMediaHeader } from './header.ts';
import {
  chooseVideo,
  declaredDuration,
  type ProbeReport,
  probeReport,
  type ReportedStream,
  toMediaFacts,
} from './probeReport.ts';
import type { Runner, ToolRun, Watch } from './runner.ts';
import { MAX_PIXELS, MAX_STREAMS } from './safety.ts';
import { toolFailed } from './toolFailure.ts';

export type ProbeLimits = Pick<Config, 'MAX_DURATION_SEC' | 'MAX_WIDTH' | 'MAX_HEIGHT'>;

const PROBE_LIMITS = { wallClockSec: 30, cpuSec: 20, fileSizeBytes: 0 };
const MEASURE_LIMITS = { wallClockSec: 120, cpuSec: 60, fileSizeBytes: 0 };

const NOT_A_VIDEO =
  'The file is not a video of a kind that is accepted; upload MP4, MOV, MKV, WebM, MPEG-TS or AVI';
const BROKEN = 'The file is damaged or not complete; export or upload it again';
const NO_PICTURE = 'The file has no video track; upload a file with a picture';

/** What ffprobe says on standard error, and what that means for the person who uploaded. */
const COMPLAINTS: ReadonlyArray<[RegExp, (match: RegExpExecArray) => UnusableMediaError]> = [
  [/Format not on whitelist/, () => new UnusableMediaError('unsupported_media', NOT_A_VIDEO)],
  [/exceeds max_streams/, () => tooManyStreams()],
  [/Codec \(([\w.-]{1,40})\) not on whitelist/, (match) => unsupportedCodec(match[1])],
];

const tooManyStreams = () =>
  new UnusableMediaError(
    'too_many_streams',
    `The file has more than ${MAX_STREAMS} tracks; export it with fewer`,
  );

const unsupportedCodec = (codec = 'unknown') =>
  new UnusableMediaError(
    'unsupported_codec',
    `The codec ${codec} is not accepted; export the video as H.264 with AAC`,
  );

/** ffprobe gives a family's name; the header tells MP4 from MOV and MKV from WebM. */
const CONTAINER_NAMES: Record<string, string> = { mov: 'mp4', matroska: 'mkv', webm: 'mkv' };

/** Why a file is refused although it could be read; the first that holds. */
function refusal(facts: MediaFacts, limits: ProbeLimits): UnusableMediaError | null {
  const { width, height, durationSec } = facts;
  if (!(width > 0 && height > 0)) return new UnusableMediaError('corrupt_media', BROKEN);
  // The longer side against the longer limit, so that a video held upright is judged like one lying down.
  const [longest, shortest] = [limits.MAX_WIDTH, limits.MAX_HEIGHT].sort((a, b) => b - a) as [number, number];
  if (
    Math.max(width, height) > longest ||
    Math.min(width, height) > shortest ||
    width * height > MAX_PIXELS
  ) {
    return new UnusableMediaError(
      'too_large_picture',
      `The picture of ${width} x ${height} is larger than the accepted ${limits.MAX_WIDTH} x ${limits.MAX_HEIGHT} and ${MAX_PIXELS / 1e6} megapixels`,
    );
  }
  if (durationSec > limits.MAX_DURATION_SEC) return tooLong(limits);
  return null;
}

const tooLong = ({ MAX_DURATION_SEC }: ProbeLimits) =>
  new UnusableMediaError(
    'too_long',
    `The video is longer than the accepted ${MAX_DURATION_SEC} seconds; cut it first`,
  );

/** Judges a run of ffprobe that did not accept the file. */
function complaint(run: ToolRun, header: HeaderFacts): UnusableMediaError {
  for (const [pattern, toError] of COMPLAINTS) {
    const match = pattern.exec(run.stderrTail);
    if (match) return toError(match);
  }
  return header.sniffed === null
    ? new UnusableMediaError('unsupported_media', NOT_A_VIDEO)
    : new UnusableMediaError('corrupt_media', BROKEN);
}

function readReport(run: ToolRun, header: HeaderFacts): ProbeReport {
  if (run.exitCode !== 0) throw complaint(run, header);
  try {
    return probeReport.parse(JSON.parse(run.stdout));
  } catch (cause) {
    throw toolFailed('ffprobe', run, cause as Error);
  }
}

function requireVideo(report: ProbeReport, run: ToolRun, header: HeaderFacts): ReportedStream {
  const video = chooseVideo(report);
  if (video) {
    if (!video.codec_name || video.codec_name === 'none') throw unsupportedCodec();
    return video;
  }
  // Noise is sometimes taken for sound: without a signature it is no audio file either.
  if (header.sniffed === null) throw new UnusableMediaError('unsupported_media', NOT_A_VIDEO);
  if (report.streams.length === 0) throw complaint(run, header);
  throw new UnusableMediaError('no_video_stream', NO_PICTURE);
}

/** Makes the probe: one header read without a process, then exactly one ffprobe. */
export function createProbe({ runner, limits }: { runner: Runner; limits: ProbeLimits }) {
  /** Recordings that were never finished declare no length: their packets are counted, undecoded. */
  const measureDuration = async (inputPath: string, video: ReportedStream, watch: Watch): Promise<number> => {
    const args = measureLengthArgs(inputPath, video.index, limits.MAX_DURATION_SEC + 1);
    const run = await runner.run({ tool: 'ffmpeg', args, limits: MEASURE_LIMITS, output: 'progress' }, watch);
    const lengthSec = run.progress.outTimeSec ?? 0;
    if (!(lengthSec > 0)) throw new UnusableMediaError('corrupt_media', BROKEN);
    return lengthSec;
  };

  /**
   * Gives what is known of a file.
   *
   * @throws UnusableMediaError with the reason when it is not an acceptable video; DiskFullError and
   * MediaToolError for trouble that says nothing about the file; the signal's reason when aborted
   */
  return async function probe(inputPath: string, watch: Watch): Promise<MediaFacts> {
    watch.signal.throwIfAborted();
    const header = await readMediaHeader(inputPath);
    const run = await runner.run(
      { tool: 'ffprobe', args: probeArgs(inputPath), limits: PROBE_LIMITS, output: 'text' },
      watch,
    );
    const report = readReport(run, header);
    const video = requireVideo(report, run, header);
    const family = report.format.format_name.split(',')[0] ?? 'unknown';
    const facts = toMediaFacts(report, video, {
      container: header.container ?? CONTAINER_NAMES[family] ?? family,
      sizeBytes: header.sizeBytes,
      durationSec: declaredDuration(report, video) ?? (await measureDuration(inputPath, video, watch)),
    });
    const problem = refusal(facts, limits);
    if (problem) throw problem;
    return facts;
  };
}
