import type { Config } from '../config.ts';
import type { MediaFacts } from '../domain/media.ts';
import { UnusableMediaError } from '../errors.ts';
import { measureLengthArgs, probeArgs } from './commands.ts';
import { damaged, notAVideo, readComplaint, tooLargePicture, unsupportedCodec } from './complaints.ts';
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
import { MAX_PIXELS } from './safety.ts';
import { toolFailed } from './toolFailure.ts';

export type ProbeLimits = Pick<Config, 'MAX_DURATION_SEC' | 'MAX_WIDTH' | 'MAX_HEIGHT'>;

const PROBE_LIMITS = { wallClockSec: 30, cpuSec: 20, fileSizeBytes: 0 };
const MEASURE_LIMITS = { wallClockSec: 120, cpuSec: 60, fileSizeBytes: 0 };

const NO_PICTURE = 'The file has no video track; upload a file with a picture';

/** ffprobe gives a family's name; the header tells MP4 from MOV and MKV from WebM. */
const CONTAINER_NAMES: Record<string, string> = { mov: 'mp4', matroska: 'mkv', webm: 'mkv' };

/** Why a file is refused although it could be read; the first that holds. */
function refusal(facts: MediaFacts, limits: ProbeLimits, run: ToolRun): UnusableMediaError | null {
  const { width, height, durationSec } = facts;
  if (!(width > 0 && height > 0)) return readComplaint(run.stderrTail) ?? damaged();
  // The longer side against the longer limit, so that a video held upright is judged like one lying down.
  const [longest, shortest] = [limits.MAX_WIDTH, limits.MAX_HEIGHT].sort((a, b) => b - a) as [number, number];
  if (
    Math.max(width, height) > longest ||
    Math.min(width, height) > shortest ||
    width * height > MAX_PIXELS
  ) {
    return tooLargePicture(`${width}x${height}`);
  }
  if (durationSec > limits.MAX_DURATION_SEC) return tooLong(limits);
  return null;
}

const tooLong = ({ MAX_DURATION_SEC }: ProbeLimits) =>
  new UnusableMediaError(
    'too_long',
    `The video is longer than the accepted ${MAX_DURATION_SEC} seconds; cut it first`,
  );

/** Judges a run of ffprobe that gave no streams. */
function complaint(run: ToolRun, header: HeaderFacts): Error {
  const error = readComplaint(run.stderrTail);
  // "Damaged" would be the wrong word for bytes that never claimed to be a video.
  return error?.code === 'corrupt_media' && header.sniffed === null
    ? notAVideo()
    : (error ?? toolFailed('ffprobe', run));
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
  if (header.sniffed === null) throw notAVideo();
  if (report.streams.length === 0) throw readComplaint(run.stderrTail) ?? damaged();
  throw new UnusableMediaError('no_video_stream', NO_PICTURE);
}

export type Probe = ReturnType<typeof createProbe>;

/** Makes the probe: one header read without a process, then exactly one ffprobe. */
export function createProbe({ runner, limits }: { runner: Runner; limits: ProbeLimits }) {
  /** Recordings that were never finished declare no length: their packets are counted, undecoded. */
  const measureDuration = async (inputPath: string, video: ReportedStream, watch: Watch): Promise<number> => {
    const args = measureLengthArgs(inputPath, video.index, limits.MAX_DURATION_SEC + 1);
    const run = await runner.run({ tool: 'ffmpeg', args, limits: MEASURE_LIMITS, output: 'progress' }, watch);
    const lengthSec = run.progress.outTimeSec ?? 0;
    if (!(lengthSec > 0)) throw damaged();
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
      isProgressive: header.isProgressive,
      durationSec: declaredDuration(report, video) ?? (await measureDuration(inputPath, video, watch)),
    });
    const problem = refusal(facts, limits, run);
    if (problem) throw problem;
    return facts;
  };
}
