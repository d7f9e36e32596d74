import assert from 'node:assert/strict';
import type { Queries } from '../../src/db/index.ts';
import type { PostWorld } from './postWorld.ts';
import { waitFor } from './stack.ts';

/** @returns what became of both */
export type Meanwhile = <First, Second>(
  first: (queries: Queries) => Promise<First>,
  second: (done: First) => Promise<Second>,
) => Promise<{ first: First; second: PromiseSettledResult<Second> }>;

/**
 * Does the first in a transaction, and begins the second before that is committed: it must not come to an end while the
 * first could still be undone.
 *
 * @returns what became of both
 */
export async function meanwhileIn<First, Second>(
  { db, isAnyoneWaiting }: PostWorld,
  first: (queries: Queries) => Promise<First>,
  second: (done: First) => Promise<Second>,
): Promise<{ first: First; second: PromiseSettledResult<Second> }> {
  let isOver = false;
  let began: Promise<PromiseSettledResult<Second>[]> | undefined;
  const done = await db.transaction(async (queries) => {
    const value = await first(queries);
    const settled = second(value).finally(() => {
      isOver = true;
    });
    began = Promise.allSettled([settled]);
    await waitFor(async () => isOver || (await isAnyoneWaiting()), { what: 'the second', everyMs: 5 });
    assert.equal(isOver, false, 'the second did not wait for the first');
    return value;
  });
  const [outcome] = (await began) ?? [];
  assert.ok(outcome);
  return { first: done, second: outcome };
}
