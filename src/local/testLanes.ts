import { globSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckOptions, runTests } from './checks.ts';
import type { Counts } from './testCounts.ts';

/** As many test files at a time: two keep two cores busy, and a third uses what they leave while they wait. */
const LANES = 3;

/**
 * Run by themselves when all others are over: they hold what a neighbour stretches without any limit, a standstill or
 * the ratio of two short times. Not here are those that hold seconds with room to spare: `editVideo` allows two for
 * cancelling, which takes one beside three programs that never rest, and `cutShares` five for what is asked every two.
 */
const ALONE = new Set([
  // The longest standstill of this very process, and the memory of every tool.
  'test/media/bombs.test.ts',
  // What making the document costs against what asking for it costs.
  'test/http/openapi.test.ts',
  // A login of nobody against one with a wrong password, each within the double of the other.
  'test/http/tokens.test.ts',
]);

/**
 * Those that mostly wait, for a dead worker to be missed or a lease to run out, and how long they take, in seconds.
 * One after the other they fill a lane, while the other lane has the processors for the rest. They take a little less
 * than half of the whole time, so that short files are left for the end and both lanes end together.
 */
const WAITING_SEC: Record<string, number> = {
  'test/workflows/outsideTrouble.test.ts': 100,
  'test/workflows/editVideo.test.ts': 60,
  'test/workflows/transcribe.test.ts': 60,
  'test/e2e/workerKilled.test.ts': 53,
  'test/e2e/twoWorkers.test.ts': 41,
  'test/http/tus/holding.test.ts': 40,
  'test/workflows/lostEngine.test.ts': 39,
  'test/workflows/receiveUpload.test.ts': 36,
  'test/e2e/pictures.test.ts': 36,
  'test/e2e/resumedUpload.test.ts': 35,
  'test/e2e/rivalUploads.test.ts': 35,
  'test/cli/package.test.ts': 30,
  'test/e2e/canary.test.ts': 35,
  'test/workflows/sendNotices.test.ts': 35,
  'test/workflows/noticeLinks.test.ts': 11,
  'test/workflows/checkAccount.test.ts': 30,
  'test/workflows/transcriberTrouble.test.ts': 20,
  'test/workflows/housekeep.test.ts': 25,
  'test/workflows/urlIngest.test.ts': 25,
  'test/workflows/fairness.test.ts': 25,
  'test/workflows/writeCaption.test.ts': 15,
  'test/http/eventStreamTrouble.test.ts': 15,
  'test/http/eventStreamEnds.test.ts': 11,
  'test/http/eventStreams.test.ts': 11,
  'test/workflows/deliverWebhook.test.ts': 30,
  'test/workflows/deliverWebhookKilled.test.ts': 22,
  'test/e2e/toldThreeWays.test.ts': 14,
  'test/e2e/signedDeliveries.test.ts': 12,
};

/** Those that keep a processor busy for long, in seconds: first in the other lane, so that none of them is its last. */
const BUSY_SEC: Record<string, number> = {
  'test/workflows/processVideo.test.ts': 42,
  'test/media/merge/copying.test.ts': 40,
  'test/media/trim/edges.test.ts': 35,
  'test/media/merge/encoding.test.ts': 30,
  'test/media/storyboard.test.ts': 20,
  'test/media/trim/exactness.test.ts': 20,
  'test/workflows/playback.test.ts': 20,
  'test/workflows/told.test.ts': 20,
  'test/e2e/cutUploads.test.ts': 18,
  'test/e2e/lastingPlayer.test.ts': 17,
  'test/e2e/bigUpload.test.ts': 16,
  'test/media/disguises.test.ts': 16,
  'test/media/playback.test.ts': 15,
  'test/e2e/sharePlayer.test.ts': 14,
  'test/e2e/audio.test.ts': 12,
  'test/media/speech/extract.test.ts': 10,
  'test/media/audio.test.ts': 10,
};

/** What any other file takes, on average. */
const OTHER_SEC = 3;

/** The files whose place in the run is known here. */
export const PLACED = [...ALONE, ...Object.keys(WAITING_SEC), ...Object.keys(BUSY_SEC)];

export interface TestPlan {
  /** In the order in which the lanes take them up. */
  together: string[];
  alone: string[];
}

/** Says which test files run side by side and which by themselves. A file nobody knows of runs beside the others. */
export function planTests(files: string[]): TestPlan {
  const together = files.filter((file) => !ALONE.has(file));
  const isWaiting = (file: string) => file in WAITING_SEC;
  // Each list as if it had a lane to itself. A lane takes up what is next, so the order is all that has to be told.
  const starts = [
    ...startTimes(together.filter(isWaiting)),
    ...startTimes(together.filter((file) => !isWaiting(file))),
  ];
  return {
    together: starts.sort((a, b) => a.atSec - b.atSec).map(({ file }) => file),
    alone: files.filter((file) => ALONE.has(file)),
  };
}

const secondsOf = (file: string): number => WAITING_SEC[file] ?? BUSY_SEC[file] ?? OTHER_SEC;

/** The longest first, and those of which nothing is known as they came. */
function startTimes(files: string[]): { file: string; atSec: number }[] {
  let atSec = 0;
  return files
    .toSorted((a, b) => secondsOf(b) - secondsOf(a))
    .map((file) => {
      const start = { file, atSec };
      atSec += secondsOf(file);
      return start;
    });
}

/** Runs every test file, most of them in lanes side by side; gives the sum of what mocha counted. */
export async function runAllTests(
  pattern: string,
  countsFolder: string,
  options: CheckOptions,
): Promise<Counts> {
  const { together, alone } = planTests(globSync(pattern, { cwd: options.root }).sort());
  const lanes = ['--parallel', '--jobs', String(LANES), ...together];
  const side = await runTests(lanes, join(countsFolder, 'counts-together.json'), options);
  if (alone.length === 0) return side;
  const single = await runTests(alone, join(countsFolder, 'counts-alone.json'), options);
  return {
    passed: side.passed + single.passed,
    failed: side.failed + single.failed,
    skipped: side.skipped + single.skipped,
  };
}
