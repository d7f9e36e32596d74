import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import mocha from 'mocha';
import { progressFileOf } from '../../src/local/testCounts.ts';

const LANE_REPORTER = fileURLToPath(new URL('laneReporter.ts', import.meta.url));

/** What the types do not know of a runner: with `--parallel` it has workers, which report to it. */
type RunnerWithWorkers = Mocha.Runner & { isParallelMode(): boolean; workerReporter(path: string): void };

/** The `spec` reporter, which also leaves the counts of the run where `npm test` reads them. */
export default class CountingReporter extends mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const countsFile = process.env.TEST_COUNTS_FILE;
    const heard = new Set<string>();
    const countSoFar = () => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      return { passed: passes, failed: failures, skipped: pending };
    };
    const leaveCounts = () => {
      if (countsFile) writeFileSync(countsFile, JSON.stringify(countSoFar()));
    };
    runner.on('end', leaveCounts);
    runner.on('test end', ({ file }) => {
      if (!countsFile || !file) return;
      heard.add(relative(process.cwd(), file));
      writeFileSync(progressFileOf(countsFile), JSON.stringify({ ...countSoFar(), files: [...heard] }));
    });
    const workers = runner as RunnerWithWorkers;
    if (!workers.isParallelMode()) return;
    workers.workerReporter(LANE_REPORTER);
    runner.on('fail', (test, error: unknown) => {
      if (test.parent !== runner.suite) return;
      // A whole file was lost, and mocha says neither which one nor, after the first of them, how.
      const what = error instanceof Error ? error.stack : String(error);
      process.stdout.write(`\n  ${relative(process.cwd(), test.file ?? '')} was lost: ${what}\n\n`);
      leaveCounts();
    });
  }
}
