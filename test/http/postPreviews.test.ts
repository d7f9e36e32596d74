import assert from 'node:assert/strict';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { countRows, createPostCaller, HOURLY, inHours, type PostCaller } from '../support/postCalls.ts';
import { uniqueName } from '../support/stack.ts';

interface Target {
  platform: string;
  verdict: string;
  findings: { code: string; fix: string | null }[];
  title: string | null;
  text: string | null;
  params: Record<string, unknown>;
}

describe('previews of posts', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let video_id: string;
  let account_id: string;
  let base: { video_id: string; account_id: string; title: string };

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());
  beforeEach(async () => {
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    video_id = await posts.probed();
    account_id = await posts.accounts.make({ timezone: 'Europe/Berlin', autoposting: HOURLY });
    base = { video_id, account_id, title: 'A title' };
  });

  const preview = async (json: object = {}) => {
    const { status, body } = await posts.preview({ ...base, ...json });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const targetOf = ({ targets }: { targets: Target[] }, platform: string): Target => {
    const target = targets.find((each) => each.platform === platform);
    assert.ok(target, platform);
    return target;
  };

  it('say when the post would go out, and what every platform would get', async () => {
    const scheduled_at = inHours(3);
    const body = await preview({ description: 'More', scheduled_at });
    const { warnings, targets, ...rest } = body;
    assert.deepEqual(rest, {
      ...{ account_id, would_be: 'accepted', problem: null, scheduled_at, timing: 'at' },
      ...{ timezone: 'Europe/Berlin', media_checked: true },
    });
    assert.deepEqual(targets, [
      { platform: 'tiktok', verdict: 'ok', findings: [], title: null, text: 'A title', params: {} },
      { platform: 'youtube', verdict: 'ok', findings: [], title: 'A title', text: 'More', params: {} },
    ]);
    assert.deepEqual(
      warnings.map(({ code, platform }: Record<string, string>) => [code, platform]),
      [['description_unused', 'tiktok']],
    );
  });

  it('are what the post is then: its slot, its warnings, its refusal', async () => {
    const odd = await posts.probed({ durationSec: 700 });
    const [paused, unplanned] = [
      await posts.accounts.make({ status: 'paused' }),
      await posts.accounts.make(),
    ];
    const refused = await posts.accounts.make();
    await api.sql('update accounts set needs_reauth = true where id = $1', [refused]);
    const bodies: object[] = [
      { account_id: refused },
      { scheduled_at: 'auto' },
      { scheduled_at: 'auto', platforms: ['youtube'] },
      { scheduled_at: inHours(5), description: 'x' },
      // Near to the one before.
      { scheduled_at: inHours(5.3) },
      { scheduled_at: inHours(-5), platforms: ['x'], params: { nothing: 1 } },
      { video_id: odd },
      { video_id: odd, platforms: ['youtube'] },
      { account_id: paused },
      { account_id: unplanned, scheduled_at: 'auto' },
    ];
    for (const json of bodies) {
      const seen = await preview(json);
      const { status, body } = await posts.create({ ...base, ...json });
      const label = JSON.stringify([json, seen, body]);
      if (status === 202) {
        assert.equal(seen.would_be, 'accepted', label);
        if (seen.timing !== 'now') assert.equal(seen.scheduled_at, body.scheduled_at, label);
        assert.deepEqual([seen.warnings, seen.timing], [body.warnings, body.timing], label);
      } else {
        assert.equal(seen.would_be, 'refused', label);
        const { code, title, detail, errors } = body;
        assert.deepEqual(seen.problem, { code, title, detail, ...(errors ? { errors } : {}) }, label);
      }
    }
  });

  it('go on as far as the post can be thought through', async () => {
    const long = await posts.probed({ durationSec: 700 });
    const paused = await posts.accounts.make({ status: 'paused', autoposting: HOURLY });
    const body = await preview({
      account_id: paused,
      video_id: long,
      scheduled_at: 'auto',
      platforms: ['tiktok', 'x'],
    });
    assert.equal(body.problem.code, 'invalid_request');
    assert.ok(Date.parse(body.scheduled_at) > Date.now());
    assert.deepEqual(
      body.targets.map(({ platform, verdict }: Target) => [platform, verdict]),
      [['tiktok', 'impossible']],
    );
    const [finding] = targetOf(body, 'tiktok').findings;
    assert.deepEqual([finding?.code, finding?.fix], ['video_too_long', null]);
    const wrong = await preview({ scheduled_at: '2000-01-01T00:00', params: { privacy_level: 'NOBODY' } });
    assert.deepEqual([wrong.scheduled_at, wrong.timing], [null, 'at']);
    assert.deepEqual(targetOf(wrong, 'tiktok').params, {});
    const dotted = await preview({ params: { 'youtube.title': 'A', youtube: { title: 'Mine' } } });
    assert.equal(dotted.problem.errors[0].path, 'params.youtube.title');
    assert.deepEqual(Object.keys(dotted.problem.errors[0]).sort(), ['message', 'path']);
    assert.equal(targetOf(dotted, 'youtube').title, 'Mine');
  });

  it('show what would have to be done to the video, and when nobody has looked at it', async () => {
    const wide = await posts.probed({ width: 5000, height: 3000 });
    const found = targetOf(await preview({ video_id: wide, platforms: ['tiktok'] }), 'tiktok');
    assert.deepEqual([found.verdict, found.findings[0]?.fix], ['fixable', 'scale']);
    const body = await preview({ video_id: await posts.video(), title: 'x'.repeat(101) });
    assert.equal(body.media_checked, false);
    assert.deepEqual(
      [targetOf(body, 'tiktok').verdict, targetOf(body, 'youtube').verdict],
      ['ok', 'impossible'],
    );
  });

  it('show the marks of what a machine made, unless params says otherwise', async () => {
    const machine = await posts.accounts.make({ is_ai: true, platforms: ['tiktok', 'youtube', 'bluesky'] });
    const paramsOf = async (params: object) => {
      const { targets } = await preview({ account_id: machine, params });
      return targets.map((target: Target) => target.params);
    };
    assert.deepEqual(await paramsOf({}), [{ is_aigc: true }, { containsSyntheticMedia: true }, {}]);
    assert.deepEqual(await paramsOf({ tiktok: { is_aigc: false }, containsSyntheticMedia: false }), [
      { is_aigc: false },
      { containsSyntheticMedia: false },
      {},
    ]);
  });

  it('have the fields of params where they reach, those for one platform first', async () => {
    const body = await preview({
      params: {
        privacyStatus: 'private',
        first_comment: 'First!',
        youtube: { privacyStatus: 'unlisted', title: 'Mine', tags: ['a', 'b'] },
        tiktok: { title: 'Short' },
      },
    });
    assert.deepEqual(
      body.targets.map(({ title, text, params }: Target) => ({ title, text, params })),
      [
        { title: null, text: 'Short', params: { first_comment: 'First!' } },
        {
          ...{ title: 'Mine', text: null },
          params: { privacyStatus: 'unlisted', first_comment: 'First!', tags: ['a', 'b'] },
        },
      ],
    );
  });

  it('warn of params under the name of a platform that the post does not go to', async () => {
    const params = { x: { title: 'B' }, instagram: {}, tiktok: { privacy_level: 'SELF_ONLY' } };
    const { warnings, would_be } = await preview({ params });
    assert.equal(would_be, 'accepted');
    assert.deepEqual(
      warnings.map(({ code, platform }: Record<string, string>) => [code, platform]),
      [
        ['params_unused', 'instagram'],
        ['params_unused', 'x'],
      ],
    );
    assert.match(warnings[1].message, /^`params\.x` is for X alone/);
    const { id, ...made } = (await posts.create({ ...base, params })).body;
    assert.deepEqual([made.params, made.warnings], [params, warnings]);
    const narrowed = (await posts.patch(id, { params: {}, platforms: ['youtube'] })).body;
    assert.deepEqual(narrowed.warnings, []);
  });

  it('do nothing: no row, no event, no key, no slot taken', async () => {
    const before = await countRows(api);
    const headers = { 'idempotency-key': uniqueName('key') };
    const bodies = [{ scheduled_at: 'auto' }, { scheduled_at: inHours(1) }, {}, { platforms: ['x'] }];
    for (const json of bodies) await posts.preview({ ...base, ...json }, headers);
    assert.deepEqual(await countRows(api), before);
    const slots = await Promise.all([preview({ scheduled_at: 'auto' }), preview({ scheduled_at: 'auto' })]);
    assert.equal(slots[0].scheduled_at, slots[1].scheduled_at);
    assert.deepEqual(api.flowCalls, []);
  });

  it('wait for nobody who holds the account', async () => {
    await api.db.transaction(async ({ posts: queries }) => {
      const time = { timing: 'auto' } as const;
      await queries.accept(
        {
          ...{ userId: user.id, accountId: account_id, videoId: video_id, title: 'A', description: null },
          ...{ platforms: null, params: {}, time, notify: null, warnings: [] },
        },
        { leadSec: 300, horizonDays: 90 },
      );
      assert.equal((await preview({ scheduled_at: 'auto' })).would_be, 'accepted');
    });
  });
});
