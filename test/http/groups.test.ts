import assert from 'node:assert/strict';
import { type AccountCaller, createAccountCaller, refusalOf, typesOf } from '../support/accounts.ts';
import { type Answer, startApi, type TestApi } from '../support/api.ts';
import { uniqueName } from '../support/stack.ts';

/** Of moves and removals at once. */
const ROUNDS = process.env.CAMPAIGN ? 50 : 3;
const NOBODY = '01a1fcc3-b906-7071-a82d-b5032f01439d';

describe('groups of accounts', () => {
  let api: TestApi;
  let me: AccountCaller;

  before(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    me = createAccountCaller(api, await api.makeUser());
  });
  after(() => api?.close());

  const membersOf = async (id: string): Promise<string[]> => (await me.showGroup(id)).account_ids;
  const groupOf = async (id: string): Promise<string | null> => (await me.show(id)).group;
  /** That both sides say the same of who is where, and that each account is in one group at most. */
  async function assertConsistent(groupIds: readonly string[], accountIds: readonly string[]): Promise<void> {
    const groups = (await Promise.all(groupIds.map((id) => me.call(`/groups/${id}`)))).flatMap(
      ({ status, body }) => (status === 200 ? [body] : []),
    );
    for (const id of accountIds) {
      const holding = groups.filter(({ account_ids }) => account_ids.includes(id)).map((group) => group.id);
      assert.deepEqual(holding, [await groupOf(id)].filter(Boolean));
    }
  }

  it('are made with accounts, shown, renamed and removed', async () => {
    const accounts = [await me.make({ user_id: 'client' }), await me.make({ user_id: 'client' })];
    const [a = '', b = ''] = accounts;
    const json = { name: ' Cooking ', user_id: 'client', account_ids: [b, a, b] };
    const { status, headers, body } = await me.call('/groups', { json });
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `http://videoflow.test/v1/groups/${body.id}`);
    const view = { id: body.id, name: 'Cooking', user_id: 'client', account_ids: accounts };
    assert.deepEqual(body, { ...view, created_at: body.created_at, updated_at: body.created_at });
    assert.deepEqual(await me.showGroup(body.id), body);
    assert.deepEqual((await me.call('/groups')).body, { data: [body], next_cursor: null });
    assert.deepEqual([await groupOf(a), await groupOf(b)], [body.id, body.id]);
    const renamed = (await me.patchGroup(body.id, { name: 'Baking' })).body;
    assert.deepEqual([renamed.name, renamed.account_ids], ['Baking', accounts]);
    assert.ok(renamed.updated_at > body.updated_at);
    assert.deepEqual((await me.patchGroup(body.id, { name: 'Baking', account_ids: accounts })).body, renamed);
    assert.deepEqual((await me.patchGroup(body.id, { account_ids: [b] })).body.account_ids, [b]);
    assert.equal((await me.removeGroup(body.id)).status, 204);
    for (const answer of [await me.call(`/groups/${body.id}`), await me.removeGroup(body.id)])
      assert.equal(refusalOf(answer), '404 not_found');
    assert.deepEqual([await groupOf(a), await groupOf(b)], [null, null]);
    const told = ['account.created', 'account.updated', 'account.updated'];
    assert.deepEqual([await typesOf(api, a), await typesOf(api, b)], [told, told]);
  });

  it('are told of as what their accounts are in', async () => {
    const id = await me.make();
    const group = await me.makeGroup({ account_ids: [id] });
    await me.removeGroup(group);
    const events = await api.sql(
      'select data, created_at from events where object_id = $1 order by sequence offset 1',
      [id],
    );
    assert.deepEqual(
      events.map(({ data }) => data.group),
      [group, null],
    );
    assert.deepEqual(events[1].data, await me.show(id));
  });

  it('have names of their own, for each user_id and user', async () => {
    const name = 'A name';
    const at = await Promise.all(Array.from({ length: 4 }, () => me.createGroup({ name })));
    assert.deepEqual(at.map(refusalOf).sort(), ['201 ', ...Array(3).fill('409 already_exists')]);
    assert.equal((await me.createGroup({ name, user_id: 'client' })).status, 201);
    const other = await me.makeGroup();
    assert.equal(refusalOf(await me.patchGroup(other, { name })), '409 already_exists');
    const stranger = createAccountCaller(api, await api.makeUser());
    assert.equal((await stranger.createGroup({ name })).status, 201);
  });

  it('name the wrong field', async () => {
    const stranger = createAccountCaller(api, await api.makeUser());
    const group = await me.makeGroup();
    const gone = await me.make();
    await me.remove(gone);
    const own = await me.make();
    const cases: [string, object][] = [
      ['name', { name: '' }],
      ['name', { name: 5 }],
      ['name', { name: 'a\tb' }],
      ['account_ids', { account_ids: own }],
      ['account_ids.0', { account_ids: ['x'] }],
      ['account_ids.1', { account_ids: [own, NOBODY] }],
      ['account_ids.1 account_ids.2', { account_ids: [own, await stranger.make(), gone] }],
      ['account_ids.0', { account_ids: [await me.make({ user_id: 'client' }), own] }],
      ['account_ids', { account_ids: Array(1001).fill(NOBODY) }],
      ['accounts', { accounts: [] }],
    ];
    for (const [path, json] of cases)
      for (const answer of [await me.createGroup(json), await me.patchGroup(group, json)])
        assert.equal(refusalOf(answer), `422 invalid_request ${path}`, JSON.stringify(json).slice(0, 200));
    assert.equal(refusalOf(await me.call('/groups', { json: {} })), '422 invalid_request name');
    assert.equal(refusalOf(await me.patchGroup(group, { user_id: 'a' })), '422 invalid_request user_id');
    assert.equal((await me.call('/groups')).body.data.length, 1);
    assert.equal(await groupOf(own), null);
  });

  it('take no account out of another group, but the account itself may move', async () => {
    const [a, b] = [await me.make(), await me.make()];
    const [one, two] = [await me.makeGroup({ account_ids: [a] }), await me.makeGroup()];
    for (const answer of [
      await me.patchGroup(two, { account_ids: [b, a] }),
      await me.createGroup({ account_ids: [b, a] }),
    ])
      assert.equal(refusalOf(answer), '409 already_grouped account_ids.1');
    assert.deepEqual([await membersOf(one), await membersOf(two)], [[a], []]);
    assert.equal((await me.patch(a, { group: two })).body.group, two);
    assert.deepEqual([await membersOf(one), await membersOf(two)], [[], [a]]);
    assert.equal((await me.patch(a, { group: null })).body.group, null);
    assert.deepEqual(await membersOf(two), []);
  });

  it('are listed newest first, in pages, by user_id and name', async () => {
    const ids = [
      await me.makeGroup({ name: 'one', user_id: 'a' }),
      await me.makeGroup({ name: 'one', user_id: 'b' }),
      await me.makeGroup({ name: 'two', user_id: 'b' }),
    ];
    const account = await me.make({ user_id: 'b', group: ids[1] });
    const idsOf = ({ body }: Answer) => body.data.map(({ id }: { id: string }) => ids.indexOf(id));
    const list = async (query: string) => idsOf(await me.call(`/groups?${query}`));
    const page = await me.call('/groups?limit=2');
    const next = await me.call(`/groups?limit=2&cursor=${page.body.next_cursor}`);
    assert.deepEqual([idsOf(page), idsOf(next), next.body.next_cursor], [[2, 1], [0], null]);
    assert.deepEqual(
      page.body.data.map((group: { account_ids: string[] }) => group.account_ids),
      [[], [account]],
    );
    assert.deepEqual(
      [await list('user_id=b'), await list('name=one')],
      [
        [2, 1],
        [1, 0],
      ],
    );
    assert.deepEqual(await list('user_id=b&name=one'), [1]);
  });

  it('are nobody else’s', async () => {
    const id = await me.makeGroup();
    const other = createAccountCaller(api, await api.makeUser());
    for (const answer of [
      await other.call(`/groups/${id}`),
      await other.patchGroup(id, { name: 'Mine' }),
      await other.removeGroup(id),
    ])
      assert.equal(refusalOf(answer), '404 not_found');
    assert.equal((await me.showGroup(id)).id, id);
  });

  it('answer again to the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    const json = { name: 'One', account_ids: [await me.make()] };
    const [first, again] = [
      await me.call('/groups', { json, headers }),
      await me.call('/groups', { json, headers }),
    ];
    assert.deepEqual([first.status, again.status, again.body], [201, 201, first.body]);
  });

  describe('of which many are changed at once', () => {
    const SOUND = new Set([200, 201, 204, 404, 409, 422]);
    const statusesOf = async (calls: Promise<Answer>[]) => {
      const statuses = (await Promise.all(calls)).map(({ status }) => status);
      for (const status of statuses) assert.ok(SOUND.has(status), `answered ${status}`);
      return statuses;
    };

    it('take an account each once', async () => {
      const id = await me.make();
      const groups = await Promise.all(Array.from({ length: 6 }, () => me.makeGroup()));
      const json = { account_ids: [id] };
      const statuses = await statusesOf(groups.map((group) => me.patchGroup(group, json)));
      assert.deepEqual(statuses.sort(), [200, 409, 409, 409, 409, 409]);
      await assertConsistent(groups, [id]);
    });

    it('keep to the same accounts on both sides, whatever is moved and removed meanwhile', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const accounts = await Promise.all(Array.from({ length: 4 }, () => me.make()));
        const [a = '', b = '', c = '', d = ''] = accounts;
        const one = await me.makeGroup({ account_ids: [a, b] });
        const two = await me.makeGroup({ account_ids: [c] });
        const [, , deletion] = await statusesOf([
          me.patch(a, { group: two }),
          me.patch(d, { group: one }),
          me.removeGroup(one),
          me.patchGroup(two, { account_ids: [d, c, b] }),
          me.patchGroup(one, { account_ids: [d, a] }),
          me.patch(b, { group: null, is_ai: true }),
          me.patchGroup(two, { account_ids: [] }),
          me.createGroup({ account_ids: [b, d] }),
        ]);
        assert.equal(deletion, 204);
        const groups = (await me.call('/groups?limit=100')).body.data.map(({ id }: { id: string }) => id);
        assert.ok(!groups.includes(one));
        await assertConsistent(groups, accounts);
        await Promise.all(accounts.map((id) => me.remove(id)));
        await assertConsistent(groups, []);
      }
    });
  });
});
