import assert from 'node:assert/strict';
import { type ActivityDeps, groupActivities } from '../../activities/index.ts';

describe('rules: activities', () => {
  it('have names that no other group uses: the engine knows one flat space of them', () => {
    // Making the groups touches none of what they join.
    const groups = groupActivities({} as ActivityDeps);
    const names = Object.values(groups).flatMap((group) => Object.keys(group));
    assert.ok(names.length > 10);
    assert.deepEqual(names, [...new Set(names)]);
  });
});
