import { writeFileSync } from 'node:fs';
import mocha from 'mocha';

/** The `spec` reporter, which also leaves the counts of the run where `npm test` reads them. */
export default class CountingReporter extends mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const file = process.env.TEST_COUNTS_FILE;
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      if (!file) return;
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
}
