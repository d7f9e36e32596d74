import assert from 'node:assert/strict';
import {
  type AccountCaller,
  createAccountCaller,
  refusalOf,
  testAccount,
  typesOf,
} from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { accept, makeVideo, newPost } from '../support/posting.ts';
import { uniqueName } from '../support/stack.ts';

const OWN = { provider: 'upload_post', credentials: { api_key: 'an-api-key' } };
const OTHERS = { credentials: { api_key: 'another-api-key' } };

describe('changes of accounts', () => {
  let api: TestApi;
  let user: TestUser;
  let me: AccountCaller;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    me = createAccountCaller(api, user);
  });
  after(() => api?.close());

  const row = async (id: string) => (await api.sql('select * from accounts where id = $1', [id]))[0];
  const credentialsOf = async (id: string): Promise<string> => (await row(id)).sealed_credentials;
  const revisionsOf = (id: string) =>
    api.flowCalls
      .filter(({ command }) => command === 'checkAccount')
      .map(({ input }) => input as { accountId: string; revision: number })
      .filter(({ accountId }) => accountId === id)
      .map(({ revision }) => revision);
  /** As the check writes it. */
  const setChecked = (id: string, reason: string | null, needsReauth = false) =>
    api.sql(
      'update accounts set checked_revision = credentials_revision, status_reason = $2, needs_reauth = $3 where id = $1',
      [id, reason, needsReauth],
    );

  describe('with PATCH', () => {
    it('leave what is left out, also within a field', async () => {
      const id = await me.make({
        autoposting: { enabled: true, days: ['sun'] },
        late_policy: { action: 'skip' },
      });
      const before = await me.show(id);
      const changes = {
        ...{ is_ai: true, platforms: ['x'], timezone: 'Asia/Tokyo', status: 'paused' },
        autoposting: { end_time: '00:00', days: ['fri', 'mon', 'fri'] },
        late_policy: { max_late_minutes: 5 },
      };
      const { status, body } = await me.patch(id, changes);
      assert.equal(status, 200);
      assert.deepEqual(
        { ...body, updated_at: null, next_upload_time: null },
        {
          ...{ ...before, updated_at: null, next_upload_time: null },
          ...{ is_ai: true, platforms: ['x'], timezone: 'Asia/Tokyo', status: 'paused' },
          autoposting: { ...before.autoposting, end_time: '00:00', days: ['mon', 'fri'] },
          late_policy: { action: 'skip', max_late_minutes: 5 },
        },
      );
      assert.ok(body.updated_at > before.updated_at);
      assert.deepEqual(await me.show(id), body);
      const [{ data }] = await api.sql(
        `select data from events where object_id = $1 and type = 'account.updated'`,
        [id],
      );
      assert.deepEqual(data, body);
    });

    it('of nothing change nothing, and tell nothing', async () => {
      const id = await me.make({ user_id: 'client', autoposting: { enabled: true } });
      const before = await me.show(id);
      const { username, platforms, user_id, provider, autoposting, late_policy, timezone, group } = before;
      const same = { username, platforms, user_id, provider, autoposting, late_policy, timezone, group };
      for (const json of [
        {},
        same,
        { autoposting: {}, late_policy: {} },
        { status: 'active' },
        { credentials: null },
      ]) {
        const { status, body } = await me.patch(id, json);
        assert.deepEqual([status, body.updated_at], [200, before.updated_at], JSON.stringify(json));
      }
      assert.deepEqual(await typesOf(api, id), ['account.created']);
    });

    it('cannot make another account of one', async () => {
      const id = await me.make();
      for (const [json, path] of [
        [{ user_id: 'client' }, 'user_id'],
        [{ provider: 'flic' }, 'provider'],
      ] as const)
        assert.equal(refusalOf(await me.patch(id, json)), `422 invalid_request ${path}`);
    });

    it('cannot take the name of another, but may give back one’s own', async () => {
      const [one, two] = [uniqueName('account'), uniqueName('account')];
      const id = await me.make({ username: one });
      await me.make({ username: two });
      assert.equal(refusalOf(await me.patch(id, { username: two })), '409 already_exists');
      assert.equal(refusalOf(await me.put(id, testAccount({ username: two }))), '409 already_exists');
      assert.equal((await me.patch(id, { username: one })).status, 200);
      assert.deepEqual(await typesOf(api, id), ['account.created']);
    });

    it('made at once are all kept', async () => {
      const id = await me.make();
      const changes = [
        { is_ai: true },
        { timezone: 'Asia/Tokyo' },
        { status: 'paused' },
        { platforms: ['x'] },
        { autoposting: { start_time: '01:00' } },
        { autoposting: { end_time: '02:00' } },
        { autoposting: { interval_minutes: 7 } },
        { late_policy: { action: 'skip' } },
        { late_policy: { max_late_minutes: 3 } },
      ];
      const answers = await Promise.all(changes.map((json) => me.patch(id, json)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const { is_ai, timezone, status, platforms, autoposting, late_policy } = await me.show(id);
      assert.deepEqual(
        [is_ai, timezone, status, platforms, autoposting.start_time, autoposting.end_time],
        [true, 'Asia/Tokyo', 'paused', ['x'], '01:00', '02:00'],
      );
      assert.deepEqual(
        [autoposting.interval_minutes, late_policy],
        [7, { action: 'skip', max_late_minutes: 3 }],
      );
      assert.equal((await typesOf(api, id)).length, 1 + changes.length);
    });

    it('of credentials are each known by a revision of their own', async () => {
      const id = await me.make(OWN);
      const answers = await Promise.all(Array.from({ length: 8 }, () => me.patch(id, OTHERS)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.deepEqual(revisionsOf(id).sort(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });
  });

  describe('with PUT', () => {
    it('set back what is left out, but the credentials', async () => {
      const group = await me.makeGroup({ user_id: 'client' });
      const id = await me.make({
        ...{ ...OWN, user_id: 'client', group, is_ai: true, status: 'paused', timezone: 'Asia/Tokyo' },
        ...{ autoposting: { enabled: true, start_time: '23:00' }, late_policy: { action: 'skip' } },
      });
      const sealed = await credentialsOf(id);
      const username = uniqueName('account');
      const { status, body } = await me.put(id, { username, platforms: ['x'] });
      assert.equal(status, 200, JSON.stringify(body));
      const fresh = (await me.create({ ...OWN, username: uniqueName('account'), platforms: ['x'] })).body;
      const own = {
        id,
        username,
        user_id: 'client',
        created_at: body.created_at,
        updated_at: body.updated_at,
      };
      assert.deepEqual(body, { ...fresh, ...own });
      assert.equal(await credentialsOf(id), sealed);
      assert.deepEqual((await me.showGroup(group)).account_ids, []);
      await me.put(id, { username, platforms: ['x'], ...OWN, ...OTHERS });
      assert.notEqual(await credentialsOf(id), sealed);
      assert.equal(refusalOf(await me.put(id, { username })), '422 invalid_request platforms');
      assert.equal(refusalOf(await me.put(id, { platforms: ['x'] })), '422 invalid_request username');
      const others = { username, platforms: ['x'], provider: 'test', user_id: null };
      assert.equal(refusalOf(await me.put(id, others)), '422 invalid_request provider user_id');
    });
  });

  describe('of what its provider is asked about', () => {
    it('have it asked again, and new credentials end its refusal', async () => {
      const id = await me.make({ ...OWN, status: 'paused' });
      await setChecked(id, 'credentials_refused', true);
      const stateOf = async () => {
        const { status, status_reason } = await me.show(id);
        return `${status} ${status_reason}`;
      };
      assert.equal(await stateOf(), 'paused credentials_refused');
      await me.patch(id, { status: 'active' });
      assert.equal(await stateOf(), 'reauth_required credentials_refused');
      await me.patch(id, { username: uniqueName('account') });
      assert.equal(await stateOf(), 'reauth_required credentials_refused', 'they are the same credentials');
      await me.patch(id, OTHERS);
      assert.equal(await stateOf(), 'active unchecked');
      await setChecked(id, 'profile_not_found');
      await me.patch(id, { is_ai: true, timezone: 'Asia/Tokyo' });
      assert.equal(await stateOf(), 'active profile_not_found');
      await me.patch(id, { username: uniqueName('account') });
      assert.equal(await stateOf(), 'active unchecked');
      await setChecked(id, 'platforms_not_connected');
      await api.sql("update accounts set unconnected_platforms = '{youtube}' where id = $1", [id]);
      assert.deepEqual((await me.patch(id, { platforms: ['x'] })).body.unconnected_platforms, []);
      assert.equal(await stateOf(), 'active unchecked');
      assert.deepEqual(revisionsOf(id), [1, 2, 3, 4, 5]);
      const notConnected = () => setChecked(id, 'platforms_not_connected');
      await notConnected();
      const [before, told] = [await me.show(id), await typesOf(api, id)];
      const same = { username: before.username, platforms: before.platforms };
      for (const json of [{ username: same.username }, { platforms: ['x'] }, { ...same, is_ai: true }]) {
        await notConnected();
        assert.deepEqual((await me.patch(id, json)).body, before, 'nothing is known yet that is new');
      }
      await notConnected();
      const put = () => me.put(id, { ...same, is_ai: true, timezone: 'Asia/Tokyo' });
      assert.equal((await put()).status, 200);
      assert.deepEqual([await me.show(id), await typesOf(api, id)], [before, told]);
      assert.deepEqual(revisionsOf(id), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
      await put();
      assert.equal(revisionsOf(id).at(-1), 9, 'it is being asked about already');
      await setChecked(id, null);
      await put();
      assert.equal(revisionsOf(id).at(-1), 9, 'and nothing is wrong with it');
      const flic = await me.make({
        provider: 'flic',
        platforms: undefined,
        credentials: { flic_token: 'a' },
      });
      await setChecked(flic, 'unchecked');
      for (const json of [{ username: uniqueName('a') }, { platforms: ['flic'] }]) await me.patch(flic, json);
      assert.deepEqual(revisionsOf(flic), [1, 2], 'it knows no names');
      const built = await me.make();
      await me.patch(built, { username: uniqueName('account'), platforms: ['x'], credentials: null });
      assert.deepEqual([(await me.show(built)).status_reason, revisionsOf(built)], [null, []]);
    });
  });

  describe('with DELETE', () => {
    const post = async (accountId: string) => {
      const videoId = await makeVideo(api.db, user.id);
      const dueAt = new Date(Date.now() + 3_600_000);
      const wanted = newPost({ userId: user.id, accountId, videoId }, { time: { timing: 'at', dueAt } });
      return (await accept(api.db, wanted)).id;
    };

    it('are the last ones: it is gone for everybody, with its credentials and out of its group', async () => {
      const group = await me.makeGroup();
      const id = await me.make({ ...OWN, group, autoposting: { enabled: true } });
      const { next_upload_time, updated_at, ...before } = await me.show(id);
      assert.ok(next_upload_time);
      assert.equal((await me.remove(id)).status, 204);
      const [{ data }] = await api.sql(
        `select data from events where object_id = $1 and type = 'account.deleted'`,
        [id],
      );
      const last = { group: null, credentials: 'none', next_upload_time: null, updated_at: data.updated_at };
      assert.deepEqual(data, { ...before, ...last });
      const gone = [
        await me.call(`/accounts/${id}`),
        await me.patch(id, { is_ai: true }),
        await me.remove(id),
      ];
      assert.deepEqual(new Set(gone.map(refusalOf)), new Set(['404 not_found']));
      assert.equal(refusalOf(await me.put(id, testAccount())), '404 not_found');
      assert.equal(await row(id), undefined);
      assert.deepEqual((await me.showGroup(group)).account_ids, []);
      assert.ok(!(await me.call('/accounts')).body.data.some((account: { id: string }) => account.id === id));
      assert.deepEqual(await typesOf(api, id), ['account.created', 'account.deleted']);
    });

    it('wait for posts that are not over, or cancel them', async () => {
      const id = await me.make();
      const posts = [await post(id), await post(id)];
      const refused = await me.remove(id);
      assert.deepEqual([refused.status, refused.body.code], [409, 'in_use']);
      const paths = refused.body.errors.map(({ path }: { path: string }) => path);
      assert.deepEqual(paths.sort(), posts.map((postId) => `posts.${postId}`).sort());
      await api.sql(`update targets set state = 'armed' where post_id = $1 and platform = 'tiktok'`, [
        posts[1],
      ]);
      assert.equal(refusalOf(await me.remove(id, '?force=true')), '409 too_late');
      const { scheduled_times, next_upload_time } = await me.show(id);
      const dueAt = await api.sql('select due_at from posts where account_id = $1 order by due_at', [id]);
      assert.deepEqual(
        [scheduled_times, next_upload_time],
        [dueAt.map(({ due_at }) => due_at.toISOString()), dueAt[0].due_at.toISOString()],
        'nothing was done of it',
      );
      assert.deepEqual(await typesOf(api, posts[0] ?? ''), ['post.scheduled']);
      await api.sql(`update targets set state = 'planned' where post_id = $1`, [posts[1]]);
      assert.equal((await me.remove(id, '?force=1')).status, 204);
      const statuses = await api.sql('select status from posts where account_id = $1', [id]);
      assert.deepEqual(statuses, [{ status: 'cancelled' }, { status: 'cancelled' }]);
      assert.deepEqual((await typesOf(api, id)).at(-1), 'account.deleted');
      assert.equal((await me.remove(await me.make(), '?force=maybe')).status, 422);
    });

    it('need not wait for posts that are over, which stay with what they need of it', async () => {
      const id = await me.make({ ...OWN, group: await me.makeGroup() });
      const postId = await post(id);
      const postedAt = new Date(Date.now() - 60_000);
      await api.sql(`update posts set status = 'posted', posted_at = $2 where id = $1`, [postId, postedAt]);
      const { last_upload_time, scheduled_times, next_upload_time } = await me.show(id);
      assert.equal(last_upload_time, postedAt.toISOString());
      assert.deepEqual([scheduled_times, next_upload_time], [[], null]);
      assert.equal((await me.remove(id)).status, 204);
      assert.equal((await api.sql('select 1 from posts where id = $1', [postId])).length, 1);
      const { sealed_credentials, group_id, deleted_at } = await row(id);
      assert.deepEqual([sealed_credentials, group_id], [null, null]);
      assert.ok(deleted_at);
    });
  });
});
