import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../src/log.ts';

/** As long as a database that is restarted may be away. */
const AGAIN_AFTER_MS = [500, 2000, 5000, 15_000];

/**
 * Writes what was paid for, which is not given up at the first trouble of the database.
 *
 * @throws what the last write came to; the cancellation, while it waits for the next one
 */
export async function keepPaid<Result>(
  write: () => Promise<Result>,
  {
    signal,
    log,
    againAfterMs = AGAIN_AFTER_MS,
  }: { signal: AbortSignal; log: Log; againAfterMs?: readonly number[] },
): Promise<Result> {
  for (const waitMs of againAfterMs) {
    try {
      return await write();
    } catch (error) {
      log.warn({ err: error, waitMs }, 'what was paid for could not be kept yet');
    }
    await delay(waitMs, undefined, { signal });
  }
  return write();
}
