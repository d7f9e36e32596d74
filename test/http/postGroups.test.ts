import assert from 'node:assert/strict';
import { refusalOf, typesOf } from '../support/accounts.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { createPostCaller, DAY_MS, HOURLY, inHours, type PostCaller } from '../support/postCalls.ts';
import { uniqueName } from '../support/stack.ts';

interface Refused {
  account_id: string;
  error: { code: string; errors?: { path: string }[] };
}

describe('posts of groups', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let video_id: string;

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());
  beforeEach(async () => {
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    video_id = await posts.video();
  });

  /** Makes a group of accounts with these fields. @returns its id, and theirs in their order */
  async function makeGroup(...accounts: object[]): Promise<{ group_id: string; ids: string[] }> {
    const ids: string[] = [];
    for (const fields of accounts) ids.push(await posts.accounts.make(fields));
    return { group_id: await posts.accounts.makeGroup({ account_ids: ids }), ids };
  }
  /** What speaks against a post in all, without whose accounts say so. */
  const fieldsOf = (answer: Answer) => refusalOf(answer).replaceAll(/ accounts\.\S+/g, '');
  const accountsOf = (data: { account_id: string }[]) => data.map(({ account_id }) => account_id);
  const codesOf = (refused: Refused[]) => refused.map(({ account_id, error }) => [account_id, error.code]);

  it('are one for each account, in the order of their ids', async () => {
    const { group_id, ids } = await makeGroup({}, { platforms: ['bluesky'] }, {});
    const answer = await posts.create({ video_id, group_id, title: 'A', scheduled_at: inHours(2) });
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    assert.deepEqual(Object.keys(answer.body), ['data']);
    assert.equal(answer.headers.get('location'), null);
    assert.deepEqual(accountsOf(answer.body.data), ids.toSorted());
    assert.deepEqual(
      answer.body.data.map(({ platforms }: { platforms: string[] }) => platforms.join()),
      ['tiktok,youtube', 'bluesky', 'tiktok,youtube'],
    );
    for (const post of answer.body.data) {
      assert.deepEqual(await posts.show(post.id), post);
      assert.deepEqual(await typesOf(api, post.id), ['post.scheduled']);
    }
    const preview = await posts.preview({ video_id, group_id, title: 'A' });
    assert.deepEqual(accountsOf(preview.body.data), ids.toSorted());
  });

  it('go out at the same clock time, each in the zone of its account, or each in its next slot', async () => {
    const zones = { 'Asia/Tokyo': '09:00', 'America/Phoenix': '01:00+1', UTC: '18:00' };
    const { group_id } = await makeGroup(
      ...Object.keys(zones).map((timezone) => ({ timezone, autoposting: HOURLY })),
    );
    const [day, next] = [40, 41].map((days) =>
      new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10),
    );
    const { body } = await posts.create({ video_id, group_id, title: 'A', scheduled_at: `${day}T18:00` });
    assert.deepEqual(
      body.data.map(({ scheduled_at, timezone }: Record<string, string>) => [timezone, scheduled_at]),
      [
        ['Asia/Tokyo', `${day}T09:00:00.000Z`],
        ['America/Phoenix', `${next}T01:00:00.000Z`],
        ['UTC', `${day}T18:00:00.000Z`],
      ],
    );
    const auto = { video_id, group_id, title: 'A', scheduled_at: 'auto' };
    const previewed = (await posts.preview(auto)).body.data;
    const given = (await posts.create(auto)).body.data;
    const timesOf = (data: { scheduled_at: string }[]) => data.map(({ scheduled_at }) => scheduled_at);
    assert.deepEqual(timesOf(given), timesOf(previewed));
    assert.equal(new Set(timesOf(given)).size, 1, 'full hours are the same in all three');
  });

  it('are refused by an account whose zone is not known any more, where the time is one of its zone', async () => {
    const { group_id, ids } = await makeGroup({}, {});
    const [lost, good] = ids;
    await api.sql(`update accounts set time_zone = 'Europe/Atlantis' where id = $1`, [lost]);
    const scheduled_at = inHours(40).slice(0, 16);
    const body = { video_id, group_id, title: 'A' };
    const { status, body: answer } = await posts.create({ ...body, scheduled_at });
    assert.deepEqual([status, accountsOf(answer.data)], [207, [good]], JSON.stringify(answer));
    assert.deepEqual(codesOf(answer.refused), [[lost, 'invalid_request']]);
    assert.equal((await posts.create({ ...body, scheduled_at: inHours(40) })).status, 202);
  });

  it('go only to those of the platforms that an account has; one that has none refuses', async () => {
    const { group_id, ids } = await makeGroup(
      { platforms: ['tiktok', 'youtube', 'x'] },
      { platforms: ['bluesky'] },
      { platforms: ['x'] },
    );
    const [first, without, last] = ids;
    const answer = await posts.create({ video_id, group_id, title: 'A', platforms: ['x', 'tiktok'] });
    assert.equal(answer.status, 207);
    assert.deepEqual(
      answer.body.data.map(({ account_id, platforms }: Record<string, unknown>) => [account_id, platforms]),
      [
        [first, ['tiktok', 'x']],
        [last, ['x']],
      ],
    );
    assert.deepEqual(codesOf(answer.body.refused), [[without, 'invalid_request']]);
    assert.equal(answer.body.refused[0].error.errors[0].path, 'platforms');
  });

  it('have those params that are for them; what is for nobody is refused by all', async () => {
    const { group_id } = await makeGroup({}, { platforms: ['youtube'] }, { platforms: ['bluesky'] });
    const youtube = { privacyStatus: 'unlisted' };
    const params = { privacy_level: 'SELF_ONLY', privacyStatus: 'private', youtube };
    const body = { video_id, group_id, title: 'A' };
    const { status, body: answer } = await posts.create({ ...body, params });
    assert.equal(status, 202, JSON.stringify(answer));
    assert.deepEqual(
      answer.data.map((post: { params: object }) => post.params),
      [params, { privacyStatus: 'private', youtube }, {}],
    );
    for (const { warnings } of answer.data) assert.deepEqual(warnings, []);
    const unused = (await posts.create({ ...body, params: { x: { title: 'B' } } })).body.data;
    for (const post of unused)
      assert.deepEqual([post.params, post.warnings[0].code], [{ x: { title: 'B' } }, 'params_unused']);
    const table: [object, string][] = [
      [{ nothing: 1 }, '422 invalid_request params.nothing'],
      [{ privacyStatus: 'secret' }, '422 invalid_request params.privacyStatus'],
      [{ reply_settings: 'everyone' }, '422 invalid_request params.reply_settings'],
      [
        {
          ...Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`p${at}`, 1])),
          privacy_level: 'SELF_ONLY',
        },
        '422 invalid_request params',
      ],
    ];
    for (const [wrong, expected] of table) {
      assert.equal(fieldsOf(await posts.create({ ...body, params: wrong })), expected);
      const [preview] = (await posts.preview({ ...body, params: wrong })).body.data;
      assert.deepEqual(preview.targets[0].params, {});
    }
    const none = { ...body, platforms: ['tiktok', 'x'], params: { privacyStatus: 'private' } };
    assert.equal(fieldsOf(await posts.create(none)), '422 invalid_request params.privacyStatus');
  });

  it('are answered 207 where some accounts refuse, with the problem of each', async () => {
    const { group_id, ids } = await makeGroup(
      { status: 'paused' },
      { autoposting: HOURLY },
      {},
      { platforms: ['youtube'], autoposting: HOURLY },
    );
    const [paused, good, unplanned, long] = ids;
    const body = {
      video_id,
      group_id,
      title: 'x'.repeat(101),
      platforms: ['tiktok', 'youtube'],
      scheduled_at: 'auto',
    };
    const headers = { 'idempotency-key': uniqueName('key') };
    await posts.accounts.patch(good ?? '', { platforms: ['tiktok'] });
    await posts.accounts.patch(unplanned ?? '', { platforms: ['tiktok'] });
    const preview = (await posts.preview(body)).body.data;
    const answer = await posts.create(body, headers);
    assert.equal(answer.status, 207, JSON.stringify(answer.body));
    assert.deepEqual(accountsOf(answer.body.data), [good]);
    assert.deepEqual(codesOf(answer.body.refused), [
      [paused, 'preflight_failed'],
      [unplanned, 'autoposting_disabled'],
      [long, 'preflight_failed'],
    ]);
    const { error } = answer.body.refused[1];
    assert.deepEqual(
      [error.status, error.retryable, error.title, error.error],
      [409, true, error.error, error.title],
    );
    assert.equal(error.type, 'http://videoflow.test/docs/problems#autoposting_disabled');
    assert.deepEqual(
      preview.map(({ account_id, problem }: Record<string, { code: string }>) => [
        account_id,
        problem?.code ?? null,
      ]),
      [
        [paused, 'preflight_failed'],
        [good, null],
        [unplanned, 'autoposting_disabled'],
        [long, 'preflight_failed'],
      ],
    );
    const again = await posts.create(body, headers);
    assert.deepEqual([again.status, again.body], [207, answer.body]);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal((await posts.list()).body.data.length, 1);
  });

  it('are refused as the first account refuses where all do, with what each says, and nothing is written', async () => {
    const { group_id, ids } = await makeGroup({}, { status: 'paused' }, { platforms: ['youtube'] });
    const auto = { video_id, group_id, title: 'x'.repeat(101), scheduled_at: 'auto', platforms: ['youtube'] };
    await posts.accounts.patch(ids[0] ?? '', { platforms: ['tiktok'] });
    const mixed = await posts.create(auto);
    assert.equal(fieldsOf(mixed), '422 invalid_request platforms');
    const [own, ...ofAccounts] = mixed.body.errors;
    assert.match(own.message, /does not post to youtube/);
    const unfit = 'platforms.youtube';
    assert.deepEqual(
      ofAccounts.map(({ path, message }: Record<string, string>) => [path, message?.split(': ')[1]]),
      [
        [`accounts.${ids[0]}`, 'platforms'],
        [`accounts.${ids[1]}`, unfit],
        [`accounts.${ids[2]}`, unfit],
      ],
    );
    const { status, body } = await posts.create({ ...auto, title: 'A', platforms: undefined });
    assert.deepEqual([status, body.code, body.retryable], [409, 'autoposting_disabled', true]);
    assert.match(body.detail, /`autoposting\.enabled: true` on the account/);
    assert.deepEqual(
      body.errors,
      [body.detail, 'The account is paused by its owner and takes no posts', body.detail].map(
        (message, at) => ({ path: `accounts.${ids[at]}`, message }),
      ),
    );
    const past = { ...auto, title: 'A', platforms: undefined, scheduled_at: inHours(-1) };
    assert.equal(fieldsOf(await posts.create(past)), '422 invalid_request scheduled_at');
    assert.deepEqual((await posts.list()).body.data, []);
  });

  it('are refused by a group of nobody, and one that was deleted', async () => {
    const group_id = await posts.accounts.makeGroup();
    const body = { video_id, group_id, title: 'A' };
    assert.equal(refusalOf(await posts.create(body)), '409 empty_group');
    assert.equal(refusalOf(await posts.preview(body)), '409 empty_group');
    const { group_id: other, ids } = await makeGroup({});
    await posts.accounts.remove(ids[0] ?? '');
    assert.equal(refusalOf(await posts.create({ ...body, group_id: other })), '409 empty_group');
    await posts.accounts.removeGroup(group_id);
    assert.equal(refusalOf(await posts.create(body)), '404 not_found group_id');
  });

  it('are refused where their texts are too much for as many as they are', async () => {
    const accounts = Array.from({ length: 32 }, () => ({ platforms: ['facebook'] }));
    const { group_id } = await makeGroup(...accounts);
    const text = 'x'.repeat(62_500);
    const body = { video_id, group_id, title: text, description: text };
    for (const answer of [await posts.create(body), await posts.preview(body)]) {
      assert.equal(refusalOf(answer), '422 invalid_request group_id');
      assert.match(answer.body.errors[0].message, /^has 32 accounts.* 125000 .* 125002$/);
    }
    assert.equal((await posts.create({ ...body, description: 'x'.repeat(62_498) })).status, 202);
  });

  it('do not wait for one another when two are made at once', async () => {
    const { group_id, ids } = await makeGroup(...Array.from({ length: 8 }, () => ({ autoposting: HOURLY })));
    const body = { video_id, group_id, title: 'A', scheduled_at: 'auto' };
    const answers = await Promise.all(Array.from({ length: 4 }, () => posts.create(body)));
    for (const answer of answers) assert.equal(answer.status, 202, JSON.stringify(answer.body));
    for (const id of ids) {
      const { data } = (await posts.list(`account_id=${id}`)).body;
      assert.equal(new Set(data.map(({ scheduled_at }: Record<string, string>) => scheduled_at)).size, 4);
    }
  });
});
