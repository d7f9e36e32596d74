/** What ffmpeg's `-progress` and the `metadata=print` filter have said so far. */
export interface ProgressReport {
  /** Seconds of output written; null before the first number. */
  outTimeSec: number | null;
  /** Frames or packets written. */
  frames: number;
  /** Presentation time of the first printed frame, relative to the seek point: a filter may see one more
   * frame than the one that is written. */
  firstSeenSec: number | null;
  /** The same of the last one so far: how far a filter has come that gives out a single frame at the end. */
  lastSeenSec: number | null;
}

const EMPTY: ProgressReport = { outTimeSec: null, frames: 0, firstSeenSec: null, lastSeenSec: null };

const finite = (text: string | undefined): number | null => {
  const number = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
};

const PRINTED_FRAME = /^frame:\d+\s.*pts_time:(-?[\d.]+)/;

/**
 * Takes one line of `key=value` progress and gives the report after it. Anything else, and `N/A`, leaves
 * the report as it was. `out_time_us` is read because `out_time_ms` holds microseconds too.
 */
export function readProgressLine(report: ProgressReport, line: string): ProgressReport {
  const printed = PRINTED_FRAME.exec(line);
  const seenSec = finite(printed?.[1]);
  if (seenSec !== null) {
    return { ...report, firstSeenSec: report.firstSeenSec ?? seenSec, lastSeenSec: seenSec };
  }
  const [key, value] = line.trim().split('=', 2);
  if (key === 'out_time_us') {
    const microseconds = finite(value);
    return microseconds === null ? report : { ...report, outTimeSec: microseconds / 1e6 };
  }
  if (key === 'frame') return { ...report, frames: finite(value) ?? report.frames };
  return report;
}

/** Gives whole percent from 0 to 99: 100 is for the caller to say, after the rename. */
export type PercentOf = (report: ProgressReport) => number;

const wholePercent = (share: number): number =>
  Number.isFinite(share) ? Math.min(99, Math.max(0, Math.floor(share * 100))) : 0;

/** Reads a report as the part of a length that is done, by what was written or, before that, seen. */
export const percentOfLength =
  (lengthSec: number): PercentOf =>
  ({ outTimeSec, lastSeenSec }) =>
    wholePercent(Math.max(outTimeSec ?? 0, lastSeenSec ?? 0) / lengthSec);

/** Reads a report as the part of a number of frames that is written. */
export const percentOfFrames =
  (frames: number): PercentOf =>
  (report) =>
    wholePercent(report.frames / frames);

/** A line is cut off here: a tool that prints garbage must not fill our memory. */
const MAX_LINE_CHARS = 10_000;

/** The last line of a block of progress, or a printed frame: ffmpeg 5.1 gives no block before the first output. */
const ENDS_REPORT = /^(progress=|frame:)/;

/**
 * Collects progress from chunks as they arrive.
 *
 * @param onReport called after each block and each printed frame
 */
export function createProgressReader(onReport: (report: ProgressReport) => void) {
  let report = EMPTY;
  let rest = '';
  return {
    feed(chunk: string): void {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
      for (const line of lines) {
        report = readProgressLine(report, line);
        if (ENDS_REPORT.test(line)) onReport(report);
      }
    },
    report: (): ProgressReport => report,
  };
}
