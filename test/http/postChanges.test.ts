import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { refusalOf, typesOf } from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { createPostCaller, HOURLY, inHours, type PostCaller } from '../support/postCalls.ts';

describe('posts that are there', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let video_id: string;
  let account_id: string;
  let base: { video_id: string; account_id: string; title: string; scheduled_at: string };

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());
  beforeEach(async () => {
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    video_id = await posts.video();
    account_id = await posts.accounts.make({ timezone: 'Europe/Berlin', autoposting: HOURLY });
    base = { video_id, account_id, title: 'A title', scheduled_at: inHours(48) };
  });

  const setTarget = (id: string, platform: string, state: string) =>
    api.sql('update targets set state = $3, attempts = 1 where post_id = $1 and platform = $2', [
      id,
      platform,
      state,
    ]);
  const setStatus = (id: string, status: string) =>
    api.sql('update posts set status = $2 where id = $1', [id, status]);

  describe('are changed', () => {
    it('in what they say and where they go; what is left out stays', async () => {
      const id = await posts.make({
        ...base,
        description: 'Old',
        params: { youtube: { privacyStatus: 'private' } },
      });
      const before = await posts.show(id);
      const params = { tiktok: { privacy_level: 'SELF_ONLY' } };
      const { status, body } = await posts.patch(id, {
        title: 'New',
        description: null,
        platforms: ['tiktok'],
        params,
      });
      assert.equal(status, 200, JSON.stringify(body));
      const { updated_at, ...changed } = body;
      assert.ok(updated_at > before.updated_at);
      assert.deepEqual(
        { ...changed, updated_at: before.updated_at },
        {
          ...before,
          ...{ title: 'New', description: null, params, platforms: ['tiktok'], warnings: [] },
          targets: before.targets.slice(0, 1),
        },
      );
      assert.deepEqual(await posts.show(id), body);
      assert.deepEqual(await typesOf(api, id), ['post.scheduled', 'post.updated']);
      const again = await posts.patch(id, { title: 'New' });
      assert.deepEqual(again.body, body);
      assert.deepEqual((await posts.patch(id, {})).body, body);
      assert.equal((await typesOf(api, id)).length, 2, 'what changes nothing is not told');
    });

    it('in when they go out: another time, the next slot, at once', async () => {
      const id = await posts.make(base);
      const day = inHours(30 * 24).slice(0, 10);
      const moved = (await posts.patch(id, { scheduled_at: `${day}T12:00:00+02:00` })).body;
      assert.deepEqual([moved.scheduled_at, moved.timing], [`${day}T10:00:00.000Z`, 'at']);
      const { body: preview } = await posts.preview({ ...base, scheduled_at: 'auto' });
      const auto = (await posts.patch(id, { scheduled_at: 'auto' })).body;
      assert.deepEqual([auto.scheduled_at, auto.timing], [preview.scheduled_at, 'auto']);
      assert.equal((await posts.patch(id, { title: 'B' })).body.scheduled_at, auto.scheduled_at);
      assert.equal((await posts.patch(id, { scheduled_at: 'auto' })).body.scheduled_at, auto.scheduled_at);
      const fromMs = Date.now();
      const now = (await posts.patch(id, { scheduled_at: null })).body;
      assert.equal(now.timing, 'now');
      assert.ok(Date.parse(now.scheduled_at) >= fromMs);
      const free = (await posts.preview({ ...base, scheduled_at: 'auto' })).body;
      assert.ok(Date.parse(free.scheduled_at) >= Date.parse(auto.scheduled_at));
    });

    it('not where they would be refused as new ones, and stay as they were', async () => {
      const id = await posts.make(base);
      const before = await posts.show(id);
      const table: [object, string][] = [
        [{ title: '' }, '422 invalid_request title'],
        [{ title: null }, '422 invalid_request title'],
        [{ video_id: uuidv7() }, '422 invalid_request video_id'],
        [{ account_id }, '422 invalid_request account_id'],
        [{ platforms: [] }, '422 invalid_request platforms'],
        [{ platforms: ['reddit'] }, '422 invalid_request platforms'],
        [{ params: { nothing: 1 } }, '422 invalid_request params.nothing'],
        [{ scheduled_at: inHours(-1) }, '422 invalid_request scheduled_at'],
        [{ scheduled_at: 'AUTO' }, '422 invalid_request scheduled_at'],
        [{ title: 'x'.repeat(101) }, '422 preflight_failed platforms.youtube'],
      ];
      for (const [json, expected] of table)
        assert.equal(refusalOf(await posts.patch(id, json)), expected, JSON.stringify(json));
      const plain = await posts.make({ ...base, account_id: await posts.accounts.make() });
      assert.equal(refusalOf(await posts.patch(plain, { scheduled_at: 'auto' })), '409 autoposting_disabled');
      assert.deepEqual(await posts.show(id), before);
      assert.deepEqual(await typesOf(api, id), ['post.scheduled']);
    });

    it('one after the other, each checked against what the one before has made of it', async () => {
      for (let round = 0; round < 5; round += 1) {
        const id = await posts.make({ ...base, platforms: ['tiktok'] });
        const answers = await Promise.all([
          posts.patch(id, { title: 'x'.repeat(101) }),
          posts.patch(id, { platforms: ['tiktok', 'youtube'] }),
        ]);
        const outcomes = answers.map((answer) => (answer.status === 200 ? 'taken' : refusalOf(answer)));
        assert.deepEqual(outcomes.sort(), ['422 preflight_failed platforms.youtube', 'taken']);
      }
    });

    it('with the warnings that the whole has then', async () => {
      const id = await posts.make({ ...base, description: 'Old' });
      const codes = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);
      assert.deepEqual(codes(await posts.show(id)), ['description_unused']);
      assert.deepEqual(codes((await posts.patch(id, { platforms: ['youtube'] })).body), []);
      await posts.make(base);
      const near = (await posts.patch(id, { scheduled_at: base.scheduled_at })).body;
      assert.deepEqual(codes(near), ['close_to_other_post']);
      assert.deepEqual(codes((await posts.patch(id, { title: 'B' })).body), ['close_to_other_post']);
      assert.deepEqual(codes((await posts.patch(id, { scheduled_at: inHours(72) })).body), []);
    });

    it('although their account is paused, or no longer posts where they go', async () => {
      const id = await posts.make({ ...base, params: { privacy_level: 'SELF_ONLY' } });
      await posts.accounts.patch(account_id, { status: 'paused', platforms: ['youtube'] });
      const { status, body } = await posts.patch(id, { title: 'B', scheduled_at: inHours(50) });
      assert.deepEqual([status, body.platforms], [200, ['tiktok', 'youtube']], JSON.stringify(body));
      assert.deepEqual(body.params, { privacy_level: 'SELF_ONLY' });
    });

    it('and are checked for all that they go to, also where their account no longer posts', async () => {
      const id = await posts.make({ ...base, platforms: ['tiktok'], description: 'Old' });
      await posts.accounts.patch(account_id, { platforms: ['youtube'] });
      const long = { title: 'x'.repeat(2201) };
      assert.equal(refusalOf(await posts.patch(id, long)), '422 preflight_failed platforms.tiktok');
      const { body } = await posts.patch(id, { title: 'B' });
      assert.equal(body.warnings[0]?.code, 'description_unused');
      assert.equal(
        refusalOf(await posts.patch(id, { platforms: ['tiktok'] })),
        '422 invalid_request platforms',
      );
    });

    it('with the params that they had, for whom they are not, too; given ones have to be for somebody', async () => {
      const params = { privacy_level: 'SELF_ONLY' };
      const id = await posts.make({ ...base, params });
      const { status, body } = await posts.patch(id, { platforms: ['youtube'] });
      assert.deepEqual([status, body.platforms, body.params], [200, ['youtube'], params]);
      const unused = {
        code: 'params_unused',
        message: '`params.privacy_level` is for TikTok, and the post does not go there: nothing comes of it',
        platform: null,
      };
      assert.deepEqual(body.warnings, [unused]);
      assert.deepEqual((await posts.patch(id, { title: 'B' })).body.warnings, [unused]);
      const back = await posts.patch(id, { platforms: ['tiktok', 'youtube'] });
      assert.deepEqual([back.status, back.body.warnings], [200, []]);
      assert.equal((await posts.patch(id, { platforms: ['youtube'] })).status, 200);
      const given = await posts.patch(id, { params });
      assert.equal(refusalOf(given), '422 invalid_request params.privacy_level');
    });
  });

  it('go nowhere that would not take the params that they have', async () => {
    await posts.accounts.patch(account_id, { platforms: ['tiktok', 'youtube', 'instagram'] });
    const params = { first_comment: 'x'.repeat(5000) };
    const id = await posts.make({ ...base, platforms: ['youtube'], params });
    const before = await posts.show(id);
    const platforms = ['youtube', 'instagram'];
    const wrong = '422 invalid_request params.first_comment';
    assert.equal(refusalOf(await posts.create({ ...base, platforms, params })), wrong);
    assert.equal(refusalOf(await posts.patch(id, { platforms })), wrong);
    assert.deepEqual(await posts.show(id), before);
    const shorter = { platforms, params: { first_comment: 'x' } };
    assert.equal((await posts.patch(id, shorter)).status, 200);
  });

  describe('are cancelled', () => {
    it('with their targets, once and again, and give their slot back', async () => {
      const auto = { ...base, scheduled_at: 'auto' };
      const { body: first } = await posts.create(auto);
      const { status, body } = await posts.cancel(first.id);
      assert.equal(status, 200);
      assert.deepEqual([body.id, body.status], [first.id, 'cancelled']);
      assert.deepEqual(
        body.targets.map(({ state }: { state: string }) => state),
        ['cancelled', 'cancelled'],
      );
      const again = await posts.cancel(first.id);
      assert.deepEqual([again.status, again.body], [200, body]);
      assert.deepEqual(await posts.show(first.id), body);
      assert.equal((await posts.create(auto)).body.scheduled_at, first.scheduled_at);
      assert.deepEqual((await typesOf(api, first.id)).filter((type) => type === 'post.cancelled').length, 1);
    });
  });

  it('are left alone once something may have left, or when they are over', async () => {
    for (const state of ['armed', 'sent', 'live', 'draft_delivered', 'unknown', 'failed', 'skipped']) {
      const id = await posts.make(base);
      await setTarget(id, 'youtube', state);
      const before = await posts.show(id);
      for (const attempt of [
        posts.patch(id, { title: '' }),
        posts.patch(id, { title: 'B' }),
        posts.cancel(id),
      ]) {
        const answer = await attempt;
        if (answer.status !== 422) assert.equal(refusalOf(answer), '409 too_late', state);
      }
      // Before what is wrong with the change for this post.
      const wrong = await posts.patch(id, { title: 'x'.repeat(101), platforms: ['reddit'] });
      assert.equal(refusalOf(wrong), '409 too_late', state);
      assert.deepEqual(await posts.show(id), before);
    }
    for (const status of ['posted', 'partial', 'failed', 'unknown', 'cancelled']) {
      const id = await posts.make(base);
      await setStatus(id, status);
      assert.equal(refusalOf(await posts.patch(id, { title: 'B' })), '409 too_late', status);
      if (status !== 'cancelled') assert.equal(refusalOf(await posts.cancel(id)), '409 too_late', status);
    }
    const prepared = await posts.make(base);
    await setTarget(prepared, 'youtube', 'prepared');
    assert.equal((await posts.patch(prepared, { title: 'B' })).status, 200);
    assert.equal((await posts.cancel(prepared)).status, 200);
  });
});
