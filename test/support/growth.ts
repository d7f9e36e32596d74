import assert from 'node:assert/strict';

/** More than this is noise on a busy machine. */
const NOISE_MS = 300;
/** Twice as much may take two and a half times as long: caches and collections of garbage cost, but a square would be four times. */
const EXPONENT = 1.3;

const timeOf = (work: () => unknown): number => {
  const startedAt = process.cpuUsage();
  work();
  return process.cpuUsage(startedAt).user / 1000;
};

/**
 * Says that something takes the time of its length, up to the largest that may be given. What does not is found out at a
 * thirty-second and a sixteenth of that, since nobody can wait for the whole.
 *
 * @param prepare makes the input of a length; that is not timed
 */
export function assertLinear(
  name: string,
  largest: number,
  prepare: (length: number) => () => unknown,
): void {
  let before: { length: number; tookMs: number } | null = null;
  for (const length of [largest / 32, largest / 16, largest]) {
    const tookMs = timeOf(prepare(Math.floor(length)));
    if (before) {
      const mostMs = before.tookMs * (length / before.length) ** EXPONENT + NOISE_MS;
      assert.ok(
        tookMs <= mostMs,
        `${name}: ${before.length} took ${before.tookMs} ms, and ${length} took ${tookMs} ms`,
      );
    }
    before = { length, tookMs };
  }
}
