import assert from 'node:assert/strict';
import fc from 'fast-check';
import { matchItems } from '../../src/domain/matchItems.ts';

/** The length of the longest common subsequence, by the book. */
function commonLength(before: readonly string[], after: readonly string[]): number {
  let row = new Array<number>(after.length + 1).fill(0);
  for (const item of before) {
    const next = [0];
    for (const [index, other] of after.entries()) {
      next.push(item === other ? (row[index] ?? 0) + 1 : Math.max(next[index] ?? 0, row[index + 1] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const matchesOf = (before: string[], after: string[]) => {
  const matched = [...matchItems(before, after)];
  let last = -1;
  for (const [index, place] of matched.entries()) {
    if (place < 0) continue;
    assert.ok(place > last, 'ascending');
    assert.equal(before[place], after[index]);
    last = place;
  }
  return matched.filter((place) => place >= 0).length;
};

describe('what two sequences have in common', () => {
  it('is in both, in the same order, and as much as there is where nothing is unique', () => {
    const twice = fc.array(fc.constantFrom('a', 'b'), { maxLength: 30 }).map((items) => [...items, ...items]);
    fc.assert(
      fc.property(twice, twice, (before, after) => {
        const isUnique = (items: string[], item: string) =>
          items.filter((each) => each === item).length === 1;
        const common = matchesOf(before, after);
        if (before.some((item) => isUnique(before, item) && isUnique(after, item))) return;
        assert.equal(common, commonLength(before, after));
      }),
      { numRuns: 500 },
    );
    const any = fc.array(fc.integer({ min: 0, max: 12 }).map(String), { maxLength: 40 });
    fc.assert(fc.property(any, any, (before, after) => void matchesOf(before, after)));
  });

  it('is all that stays of a list of different items', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.array(fc.boolean()), (items, isKept) => {
        const kept = items.filter((_, index) => isKept[index]);
        assert.equal(matchesOf(items, kept), kept.length);
        assert.equal(matchesOf(kept, items), kept.length);
      }),
    );
  });
});
