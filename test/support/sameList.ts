import assert from 'node:assert/strict';

/** Compares two long lists, and shows their first difference only: showing all of them takes longer than a test may. */
export function assertSameList<T>(given: readonly T[], expected: readonly T[], what: string): void {
  const isOther = (item: T | undefined, at: number) => JSON.stringify(item) !== JSON.stringify(expected[at]);
  const at = given.findIndex(isOther);
  if (at >= 0) assert.deepEqual([at, given[at]], [at, expected[at]], what);
  assert.equal(given.length, expected.length, what);
}
