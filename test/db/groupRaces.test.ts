import assert from 'node:assert/strict';
import type { Db, Queries } from '../../src/db/index.ts';
import { meanwhileIn } from '../support/meanwhile.ts';
import { makeAccount, makeOwner, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';
import { uniqueName } from '../support/stack.ts';

describe('what two do with groups at once', () => {
  let world: PostWorld;
  let db: Db;
  let userId: string;
  let accountId: string;
  let groupId: string;

  const insert = async ({ groups }: Queries, maxGroups = 1000): Promise<string> => {
    const group = { userId, userLabel: null, name: uniqueName('group'), accountIds: [] };
    return (await groups.insert(group, { ...SLOTS, maxGroups })).id;
  };

  before(async () => {
    world = await makePostWorld();
    db = world.db;
  });
  after(() => world?.close());
  beforeEach(async () => {
    userId = await makeOwner(db);
    accountId = await makeAccount(db, userId);
    groupId = await db.transaction(insert);
  });

  const change = ({ groups }: Queries, columns: { name?: string; accountIds?: string[] }) =>
    groups.change(userId, groupId, columns, SLOTS);
  const remove = ({ groups }: Queries) => groups.remove(userId, groupId, SLOTS);
  const timesTold = async () =>
    (await world.sql(`select from events where object_id = $1 and type = 'account.updated'`, [accountId]))
      .length;

  it('makes no more of them than a user may have', async () => {
    const { second } = await meanwhileIn(
      world,
      (queries) => insert(queries, 2),
      () => db.transaction((queries) => insert(queries, 2)),
    );
    assert.equal(second.status, 'rejected');
    assert.equal(second.reason.code, 'quota_exceeded');
  });

  for (const columns of [{ name: 'Another' }, { accountIds: [] }])
    it(`finds none that is being removed: ${Object.keys(columns)}`, async () => {
      const { first, second } = await meanwhileIn(world, remove, () => change(db, columns));
      assert.deepEqual([first, second], [true, { status: 'fulfilled', value: null }]);
    });

  it('takes the accounts out of one that is removed, which were being put into it, and tells of it', async () => {
    const { second } = await meanwhileIn(
      world,
      (queries) => change(queries, { accountIds: [accountId] }),
      () => remove(db),
    );
    assert.deepEqual(second, { status: 'fulfilled', value: true });
    assert.equal((await db.accounts.find(userId, accountId))?.group ?? null, null);
    assert.equal(await timesTold(), 2);
  });

  it('leaves the accounts that were said last', async () => {
    const { second } = await meanwhileIn(
      world,
      (queries) => change(queries, { accountIds: [accountId] }),
      () => change(db, { accountIds: [] }),
    );
    assert.ok(second.status === 'fulfilled');
    assert.deepEqual(second.value?.accountIds, []);
    assert.equal((await db.accounts.find(userId, accountId))?.group ?? null, null);
  });
});
