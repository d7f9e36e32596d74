import { setTimeout as delay } from 'node:timers/promises';

/** As long as a database that is restarted may be away. */
const AGAIN_AFTER_MS = [500, 2000, 5000];

/**
 * Writes down what has been done outside, several times where that fails: what is not written down is done once more.
 *
 * @throws the error of the last time
 */
export async function insist<Result>(write: () => Promise<Result>): Promise<Result> {
  for (const waitMs of AGAIN_AFTER_MS) {
    const done = await write().then(
      (result) => ({ result }),
      () => null,
    );
    if (done) return done.result;
    await delay(waitMs);
  }
  return write();
}
