import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readState } from './stateFiles.ts';

/** What the last line of a test run says. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const countsShape = z.object({ passed: z.number(), failed: z.number(), skipped: z.number() });
const progressShape = countsShape.extend({ files: z.array(z.string()) });
const lateShape = z.object({ file: z.string(), error: z.string() });

/** The counts so far, and the files of which a test was heard, for a run that never comes to its end. */
export const progressFileOf = (countsFile: string): string => `${countsFile}.progress`;

/** What was thrown when the tests of a file were over, one JSON object a line. */
export const lateFileOf = (countsFile: string): string => `${countsFile}.late`;

export interface EndedRun {
  countsFile: string;
  /** The test files that were to run, relative to the root. */
  files: string[];
  exitCode: number | null;
  /** It was over and only had to be ended. */
  hasLingered: boolean;
}

/**
 * Gives what a run of mocha counted and says what it could not count. Whatever was thrown when the tests of a file
 * were over is a failure; so is a run that broke off, and one whose exit code tells of trouble that no test has.
 */
export function readCounts(run: EndedRun, say: (line: string) => void): Counts {
  const late = readLateErrors(run.countsFile);
  for (const { file, error } of late) say(`\nThrown when the tests of ${file} were over: ${error}`);
  const counts = countsShape.safeParse(readState(run.countsFile)).data ?? readBrokenOff(run, say);
  const failed = counts.failed + late.length;
  const isUncountedFailure = run.exitCode !== 0 && failed === 0 && !run.hasLingered;
  return { ...counts, failed: isUncountedFailure ? 1 : failed };
}

function readLateErrors(countsFile: string): z.infer<typeof lateShape>[] {
  let lines: string[];
  try {
    lines = readFileSync(lateFileOf(countsFile), 'utf8').trim().split('\n');
  } catch {
    // Nothing was thrown.
    return [];
  }
  return lines.map((line) => lateShape.parse(JSON.parse(line)));
}

function readBrokenOff({ countsFile, files, exitCode }: EndedRun, say: (line: string) => void): Counts {
  const progress = progressShape.safeParse(readState(progressFileOf(countsFile))).data;
  const { files: heard, ...counts } = progress ?? { passed: 0, failed: 0, skipped: 0, files: [] };
  say(`\nThe tests broke off with exit code ${exitCode}, the last heard of being ${heard.at(-1) ?? 'none'}.`);
  const missing = files.filter((file) => !heard.includes(file));
  if (missing.length > 0) say(`Nothing was heard of:\n  ${missing.join('\n  ')}`);
  return { ...counts, failed: counts.failed + 1 };
}
