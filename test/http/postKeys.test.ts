import assert from 'node:assert/strict';
import { refusalOf } from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { createPostCaller, HOURLY, isAnyoneWaiting, type PostCaller } from '../support/postCalls.ts';
import { uniqueName, waitFor } from '../support/stack.ts';

describe('posts with an Idempotency-Key', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let account_id: string;
  let base: { video_id: string; account_id: string; title: string };

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());
  beforeEach(async () => {
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    account_id = await posts.accounts.make({ timezone: 'Europe/Berlin' });
    base = { video_id: await posts.video(), account_id, title: 'A title' };
  });

  it('are made once, and answered as they were', async () => {
    const id = await posts.accounts.make({ autoposting: HOURLY });
    const body = { ...base, account_id: id, scheduled_at: 'auto' };
    const headers = { 'idempotency-key': uniqueName('key') };
    const answers = await Promise.all([posts.create(body, headers), posts.create(body, headers)]);
    const first = answers.find(({ status }) => status === 202);
    assert.ok(first);
    for (const answer of answers)
      if (answer.status !== 202) assert.equal(refusalOf(answer), '409 idempotency_in_progress');
    await posts.patch(first.body.id, { title: 'Another' });
    const again = await posts.create(body, headers);
    assert.deepEqual([again.status, again.body], [202, first.body]);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal(again.headers.get('location'), first.headers.get('location'));
    assert.equal((await posts.list(`account_id=${id}`)).body.data.length, 1);
  });

  it('are written together with their answer: whoever takes the key over meets both, or none', async () => {
    const key = uniqueName('key');
    const other = await posts.make(base);
    const answer = await api.db.transaction(async ({ posts: queries }) => {
      await queries.hold(user.id, other);
      // It waits for the account, in the middle of what it writes.
      const waiting = { answer: posts.create(base, { 'idempotency-key': key }) };
      await waitFor(() => isAnyoneWaiting(api), { what: 'the post to wait' });
      const free = 'select from idempotency_keys where key = $1 for update skip locked';
      assert.equal((await api.sql(free, [key])).length, 0);
      return waiting;
    });
    assert.equal((await answer.answer).status, 202);
  });

  it('are refused with another body, and refused again as before', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    const first = await posts.create(base, headers);
    assert.equal(
      refusalOf(await posts.create({ ...base, title: 'B' }, headers)),
      '422 idempotency_key_reused',
    );
    assert.equal((await posts.list()).body.data.length, 1);
    assert.equal((await posts.create(base, headers)).body.id, first.body.id);
    const other = { 'idempotency-key': uniqueName('key') };
    const refused = { ...base, platforms: ['bluesky'] };
    assert.equal(refusalOf(await posts.create(refused, other)), '422 invalid_request platforms');
    await posts.accounts.patch(account_id, { platforms: ['bluesky'] });
    const again = await posts.create(refused, other);
    assert.equal(refusalOf(again), '422 invalid_request platforms');
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal((await posts.create(refused)).status, 202);
  });

  it('are not kept as refused where the account, or the group, may change', async () => {
    const group_id = await posts.accounts.makeGroup();
    const headers = { 'idempotency-key': uniqueName('key') };
    const json = { ...base, account_id: undefined, group_id };
    const whose = `accounts.${account_id}`;
    const change = (fields: object) => posts.accounts.patch(account_id, fields);
    assert.equal(refusalOf(await posts.create(json, headers)), '409 empty_group');
    await change({ group: group_id, status: 'paused' });
    assert.equal(refusalOf(await posts.create(json, headers)), `409 account_paused ${whose}`);
    await change({ status: 'active' });
    await api.sql('update accounts set needs_reauth = true where id = $1', [account_id]);
    assert.equal(refusalOf(await posts.create(json, headers)), `409 reauth_required ${whose}`);
    await api.sql('update accounts set needs_reauth = false where id = $1', [account_id]);
    assert.equal((await posts.create(json, headers)).status, 202);
    const other = { 'idempotency-key': uniqueName('key') };
    const auto = { ...base, scheduled_at: 'auto' };
    assert.equal(refusalOf(await posts.create(auto, other)), '409 autoposting_disabled');
    await change({ autoposting: HOURLY });
    assert.equal((await posts.create(auto, other)).status, 202);
  });

  it('are not kept as refused by a group while any of its accounts may change its mind, the first or another', async () => {
    const paused = { status: 'paused' };
    const never = { platforms: ['bluesky'] };
    for (const accounts of [
      [paused, never],
      [never, paused],
    ]) {
      const account_ids: string[] = [];
      for (const fields of accounts) account_ids.push(await posts.accounts.make(fields));
      const group_id = await posts.accounts.makeGroup({ account_ids });
      const json = { ...base, account_id: undefined, group_id, platforms: ['youtube'] };
      const headers = { 'idempotency-key': uniqueName('key') };
      const refused = await posts.create(json, headers);
      assert.deepEqual([refused.body.retryable, refused.headers.get('idempotency-replayed')], [true, null]);
      const waiting = account_ids[accounts.indexOf(paused)] ?? '';
      await posts.accounts.patch(waiting, { status: 'active' });
      const { status, body } = await posts.create(json, headers);
      assert.deepEqual([status, body.data?.[0]?.account_id], [207, waiting], JSON.stringify(body));
    }
    const account_ids = [await posts.accounts.make(never), await posts.accounts.make(never)];
    const group_id = await posts.accounts.makeGroup({ account_ids });
    const json = { ...base, account_id: undefined, group_id, platforms: ['youtube'] };
    assert.equal((await posts.create(json)).body.retryable, false);
  });
});
