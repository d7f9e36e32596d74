/** What ffmpeg's `-progress` and the `metadata=print` filter have said so far. */
export interface ProgressReport {
  /** Seconds of output written; null before the first number. */
  outTimeSec: number | null;
  /** Frames or packets written. */
  frames: number;
  /** Presentation time of the first printed frame, relative to the seek point: a filter may see one more
   * frame than the one that is written. */
  frameTimeSec: number | null;
}

const EMPTY: ProgressReport = { outTimeSec: null, frames: 0, frameTimeSec: null };

const finite = (text: string | undefined): number | null => {
  const number = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
};

/**
 * Takes one line of `key=value` progress and gives the report after it. Anything else, and `N/A`, leaves
 * the report as it was. `out_time_us` is read because `out_time_ms` holds microseconds too.
 */
export function readProgressLine(report: ProgressReport, line: string): ProgressReport {
  const printed = /^frame:\d+\s.*pts_time:(-?[\d.]+)/.exec(line);
  if (printed) return { ...report, frameTimeSec: report.frameTimeSec ?? finite(printed[1]) };
  const [key, value] = line.trim().split('=', 2);
  if (key === 'out_time_us') {
    const microseconds = finite(value);
    return microseconds === null ? report : { ...report, outTimeSec: microseconds / 1e6 };
  }
  if (key === 'frame') return { ...report, frames: finite(value) ?? report.frames };
  return report;
}

/** Percent of the expected length, 0 to 99: 100 is for the caller to say, after the rename. */
export function progressPercent(report: ProgressReport, expectedSec: number): number {
  if (report.outTimeSec === null || !(expectedSec > 0)) return 0;
  return Math.min(99, Math.max(0, Math.floor((report.outTimeSec / expectedSec) * 100)));
}

/** A line is cut off here: a tool that prints garbage must not fill our memory. */
const MAX_LINE_CHARS = 10_000;

/**
 * Collects progress from chunks as they arrive.
 *
 * @param onReport called after each block (`progress=continue` or `progress=end`)
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
        if (line.startsWith('progress=')) onReport(report);
      }
    },
    report: (): ProgressReport => report,
  };
}
