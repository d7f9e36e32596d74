import assert from 'node:assert/strict';
import { PLATFORMS } from '../../src/domain/platform.ts';
import {
  type AccountCaller,
  createAccountCaller,
  refusalOf,
  testAccount,
  typesOf,
} from '../support/accounts.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/;
const API_KEY = 'canary-of-upload-post-0123456789abcdef';
const FLIC_TOKEN = 'canary-of-flic-fedcba9876543210abcdef';
const EVERY_DAY = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const OWN = { provider: 'upload_post', credentials: { api_key: API_KEY } };

describe('accounts', () => {
  let api: TestApi;
  let user: TestUser;
  let me: AccountCaller;

  before(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    user = await api.makeUser();
    me = createAccountCaller(api, user);
  });
  after(() => api?.close());

  const checksOf = (id: string) =>
    api.flowCalls
      .filter(({ command }) => command === 'checkAccount')
      .map(({ input }) => input as { accountId: string; userId: string; revision: number })
      .filter(({ accountId }) => accountId === id);

  describe('when they are made', () => {
    it('say what was left out, and are told of', async () => {
      const json = { username: '  Ada  ', provider: 'test', platforms: ['youtube', 'tiktok', 'youtube'] };
      const { status, headers, body } = await me.call('/accounts', { json });
      assert.equal(status, 201);
      assert.equal(headers.get('location'), `http://videoflow.test/v1/accounts/${body.id}`);
      assert.match(body.created_at, INSTANT);
      assert.deepEqual(body, {
        id: body.id,
        username: 'Ada',
        user_id: null,
        provider: 'test',
        platforms: ['tiktok', 'youtube'],
        is_ai: false,
        group: null,
        timezone: 'UTC',
        autoposting: {
          ...{ enabled: false, start_time: '09:00', end_time: '21:00', interval_minutes: 180 },
          days: EVERY_DAY,
        },
        late_policy: { action: 'publish', max_late_minutes: 1440 },
        credentials: 'none',
        status: 'active',
        status_reason: null,
        unconnected_platforms: [],
        scheduled_times: [],
        next_upload_time: null,
        last_upload_time: null,
        created_at: body.created_at,
        updated_at: body.created_at,
      });
      assert.deepEqual(await me.show(body.id), body);
      const [event] = await api.sql(
        'select type, object_type, video_id, data from events where object_id = $1',
        [body.id],
      );
      assert.deepEqual(event, {
        type: 'account.created',
        object_type: 'account',
        video_id: null,
        data: body,
      });
      assert.deepEqual(checksOf(body.id), [], 'nobody has to be asked about the built-in provider');
    });

    it('keep all that is said of them', async () => {
      const group = await me.makeGroup({ user_id: 'client-7' });
      const said = {
        ...{ username: 'ünï 世界 @x', user_id: 'client-7', provider: 'upload_post', is_ai: true, group },
        platforms: PLATFORMS.filter((platform) => platform !== 'flic'),
        timezone: 'America/St_Johns',
        autoposting: {
          ...{ enabled: true, start_time: '22:30', end_time: '02:00', interval_minutes: 43_200 },
          days: ['mon', 'sun'],
        },
        late_policy: { action: 'next_slot', max_late_minutes: 0 },
      };
      const json = { ...said, status: 'paused', credentials: { api_key: API_KEY } };
      const { status, body } = await me.call('/accounts', { json });
      assert.equal(status, 201, JSON.stringify(body));
      const { id, created_at, updated_at, next_upload_time, ...view } = body;
      const times = { scheduled_times: [], last_upload_time: null };
      const known = { status_reason: 'unchecked', unconnected_platforms: [] };
      const state = { credentials: 'own', status: 'paused', ...known };
      assert.deepEqual(view, { ...said, ...times, ...state });
      const [check] = checksOf(id);
      assert.deepEqual([check?.userId, check?.revision], [user.id, 1]);
    });

    it('take the time zone of their user', async () => {
      await me.call('/me', { method: 'PATCH', json: { time_zone: 'Asia/Kathmandu' } });
      assert.equal((await me.create()).body.timezone, 'Asia/Kathmandu');
      assert.equal((await me.create({ timezone: 'Europe/Berlin' })).body.timezone, 'Europe/Berlin');
    });

    it('post to flic, and nowhere else, by flic', async () => {
      const flic = { provider: 'flic', credentials: { flic_token: FLIC_TOKEN } };
      const { body } = await me.create({ ...flic, platforms: undefined });
      assert.deepEqual([body.platforms, body.status_reason], [['flic'], 'unchecked']);
      assert.equal(
        refusalOf(await me.create({ ...flic, platforms: ['tiktok'] })),
        '422 invalid_request platforms',
      );
      assert.equal(
        refusalOf(await me.create({ ...OWN, platforms: ['flic'] })),
        '422 invalid_request platforms',
      );
    });

    it('have names of their own, for each user_id and user, also at once', async () => {
      const name = { username: 'the name' };
      const at = Array.from({ length: 5 }, () => me.create(name));
      const statuses = (await Promise.all(at)).map(refusalOf).sort();
      assert.deepEqual(statuses, ['201 ', ...Array(4).fill('409 already_exists')]);
      assert.equal((await me.create({ ...name, user_id: 'client' })).status, 201);
      assert.equal(refusalOf(await me.create({ ...name, user_id: 'client' })), '409 already_exists');
      assert.equal((await me.create({ username: 'The name' })).status, 201);
      assert.equal((await createAccountCaller(api, await api.makeUser()).create(name)).status, 201);
      const { body } = await me.call('/accounts?username=the%20name&user_id=client');
      assert.equal((await me.remove(body.data[0].id)).status, 204);
      assert.equal((await me.create({ ...name, user_id: 'client' })).status, 201, 'free again');
    });

    it('are no more than a user may have, however many are asked for at once', async () => {
      const small = await startApi({ MAX_ACCOUNTS: '3' });
      try {
        const own = createAccountCaller(small, await small.makeUser());
        const answers = await Promise.all(Array.from({ length: 8 }, () => own.create()));
        const made = answers.filter(({ status }) => status === 201);
        assert.deepEqual(
          [made.length, answers.filter((a) => refusalOf(a) === '403 quota_exceeded').length],
          [3, 5],
        );
        await own.remove(made[0]?.body.id);
        assert.equal((await own.create()).status, 201, 'removed ones do not count');
        for (let groups = 0; groups < 3; groups += 1) await own.makeGroup();
        assert.equal(refusalOf(await own.createGroup()), '403 quota_exceeded');
      } finally {
        await small.close();
      }
    });

    it('name the wrong field', async () => {
      const foreignGroup = await createAccountCaller(api, await api.makeUser()).makeGroup();
      const groupOfOther = await me.makeGroup({ user_id: 'other' });
      const auto = (fields: object) => ({ autoposting: fields });
      const cases: [string, object][] = [
        ['username', { username: '' }],
        ['username', { username: ' ' }],
        ['username', { username: 'a\nb' }],
        ['username', { username: 'a'.repeat(201) }],
        ['username', { username: null }],
        ['provider', { provider: 'youtube' }],
        ['platforms', { platforms: [] }],
        ['platforms', { platforms: 'tiktok' }],
        ['platforms.0', { platforms: ['myspace'] }],
        ['platforms', { platforms: Array(23).fill('x') }],
        ['timezone', { timezone: 'Europe/Bremen' }],
        ['timezone', { timezone: '+01:00' }],
        ['timezone', { timezone: 'IST' }],
        ['timezone', { timezone: 'pst' }],
        ['timezone', { timezone: null }],
        ['is_ai', { is_ai: 'yes' }],
        ['group', { group: 'x' }],
        ['group', { group: foreignGroup }],
        ['group', { group: groupOfOther }],
        ['group', { group: '01a1fcc3-b906-7071-a82d-b5032f01439d' }],
        ['autoposting.start_time', auto({ start_time: '24:00' })],
        ['autoposting.start_time', auto({ start_time: '9:00' })],
        ['autoposting.end_time', auto({ end_time: '23:60' })],
        ['autoposting.end_time', auto({ end_time: 1260 })],
        ['autoposting.interval_minutes', auto({ interval_minutes: 0 })],
        ['autoposting.interval_minutes', auto({ interval_minutes: 43_201 })],
        ['autoposting.interval_minutes', auto({ interval_minutes: 1.5 })],
        ['autoposting.days', auto({ days: [] })],
        ['autoposting.days.1', auto({ days: ['mon', 'Tue'] })],
        ['autoposting.every', auto({ every: 5 })],
        ['late_policy.action', { late_policy: { action: 'never' } }],
        ['late_policy.max_late_minutes', { late_policy: { max_late_minutes: -1 } }],
        ['status', { status: 'reauth_required' }],
        ['credentials', { credentials: API_KEY }],
        ['credentials', { credentials: { api_key: API_KEY } }],
        ['credentials.api_key', { credentials: { api_key: 'two words' } }],
        ['credentials.api_key', { credentials: { api_key: '' } }],
        ['credentials.password', { credentials: { password: 'x' } }],
        ['needs_reauth', { needs_reauth: false }],
      ];
      const id = await me.make();
      const [late] = (await me.create(auto({ end_time: '24:00' }))).body.errors;
      assert.equal(late.path, 'autoposting.end_time');
      assert.match(late.message, /midnight is 00:00, also at the end of a day$/);
      for (const [path, fields] of cases) {
        const expected = `422 invalid_request ${path}`;
        assert.equal(refusalOf(await me.create(fields)), expected, JSON.stringify(fields));
        assert.equal(refusalOf(await me.patch(id, fields)), expected, `PATCH ${JSON.stringify(fields)}`);
        assert.equal(
          refusalOf(await me.put(id, testAccount(fields))),
          expected,
          `PUT ${JSON.stringify(fields)}`,
        );
      }
      for (const field of ['username', 'provider', 'platforms'])
        assert.equal(refusalOf(await me.create({ [field]: undefined })), `422 invalid_request ${field}`);
      assert.equal((await me.call('/accounts')).body.data.length, 1);
      assert.deepEqual(await typesOf(api, id), ['account.created']);
    });
  });

  it('are listed newest first, in pages, by user_id, name and group', async () => {
    const group = await me.makeGroup({ user_id: 'b' });
    const ids = [
      await me.make({ user_id: 'a', username: 'one' }),
      await me.make({ user_id: 'b', username: 'one' }),
      await me.make({ user_id: 'b', username: 'two', group }),
    ];
    await createAccountCaller(api, await api.makeUser()).make({ user_id: 'a', username: 'one' });
    const idsOf = ({ body }: Answer) => body.data.map(({ id }: { id: string }) => ids.indexOf(id));
    const list = async (query: string) => idsOf(await me.call(`/accounts?${query}`));
    const page = await me.call('/accounts?limit=2');
    const next = await me.call(`/accounts?limit=2&cursor=${page.body.next_cursor}`);
    assert.deepEqual([idsOf(page), idsOf(next), next.body.next_cursor], [[2, 1], [0], null]);
    assert.deepEqual(await list('user_id=b'), [2, 1]);
    assert.deepEqual(await list('username=one'), [1, 0]);
    assert.deepEqual(await list('user_id=b&username=one'), [1]);
    assert.deepEqual(await list(`group=${group}`), [2]);
    assert.deepEqual(await list(`group=${ids[0]}`), []);
    assert.deepEqual(await list('user_id=A'), []);
    assert.equal((await me.call('/accounts?group=x')).status, 422);
    assert.equal((await me.call('/accounts?provider=test')).status, 422);
  });

  it('go with their user, and so do groups', async () => {
    await me.make({ group: await me.makeGroup() });
    await me.remove(await me.make());
    assert.equal(await api.db.users.remove(user.id), true);
    const left =
      'select id from accounts where user_id = $1 union select id from account_groups where user_id = $1';
    assert.deepEqual(await api.sql(left, [user.id]), []);
  });

  it('are nobody else’s', async () => {
    const id = await me.make();
    const other = createAccountCaller(api, await api.makeUser());
    const tries = [other.call(`/accounts/${id}`), other.patch(id, { is_ai: true }), other.remove(id)];
    for (const answer of [...(await Promise.all(tries)), await other.put(id, testAccount())])
      assert.equal(refusalOf(answer), '404 not_found');
    const reader = { ...user, token: await api.makeToken(user.id, { scopes: ['read', 'write'] }) };
    const reading = createAccountCaller(api, reader);
    assert.equal((await reading.show(id)).id, id);
    assert.equal((await reading.create()).status, 403);
    assert.equal((await reading.remove(id)).status, 403);
  });
});
