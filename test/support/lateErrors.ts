import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { inspect } from 'node:util';
import { lateFileOf } from '../../src/local/testCounts.ts';

export interface LateErrors {
  /** From now on errors that nobody caught are noted; mocha's own runner hears of none. */
  begin(): void;
}

let lastNote: ((error: unknown) => void) | undefined;

/**
 * Makes ready to note what is thrown when the tests of a file are over. What the file before it threw is noted until
 * now: from here on the runner hears of it, and some test fails with it.
 */
export function hearLateErrors(file = ''): LateErrors {
  if (lastNote) process.off('uncaughtException', lastNote);
  const note = (error: unknown) => {
    const countsFile = process.env.TEST_COUNTS_FILE;
    const entry = { file: relative(process.cwd(), file), error: inspect(error) };
    if (countsFile) appendFileSync(lateFileOf(countsFile), `${JSON.stringify(entry)}\n`);
    else process.stderr.write(`\nThrown when the tests of ${entry.file} were over: ${entry.error}\n`);
  };
  lastNote = note;
  return {
    begin() {
      // A rejection that nobody listens for arrives as an exception.
      for (const event of ['uncaughtException', 'unhandledRejection']) process.removeAllListeners(event);
      process.on('uncaughtException', note);
    },
  };
}
