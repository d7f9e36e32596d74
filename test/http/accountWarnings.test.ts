import assert from 'node:assert/strict';
import { ACCOUNT_REASONS } from '../../src/domain/account.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { createPostCaller, type PostCaller } from '../support/postCalls.ts';

interface Warning {
  code: string;
  message: string;
  platform: string | null;
}

describe('warnings of accounts that cannot post', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let account_id: string;
  let base: { video_id: string; account_id: string; title: string };

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    account_id = await posts.accounts.make({ platforms: ['tiktok', 'youtube', 'x'] });
    base = { video_id: await posts.video(), account_id, title: 'A' };
  });
  after(() => api?.close());

  const find = (reason: string | null, platforms: readonly string[] = []) =>
    api.sql('update accounts set status_reason = $2, unconnected_platforms = $3 where id = $1', [
      account_id,
      reason,
      platforms,
    ]);
  const told = (warnings: Warning[]) => warnings.map(({ code, platform }) => [code, platform]);

  it('are in the post and its preview, for each of their platforms where the check told which', async () => {
    const all = [
      'profile_not_found',
      'platforms_not_connected',
      'credentials_unreadable',
      'credentials_missing',
      'service_credentials_refused',
    ];
    for (const reason of all) {
      await find(reason);
      const { status, body } = await posts.create(base);
      assert.deepEqual([status, told(body.warnings)], [202, [[reason, null]]]);
      assert.match(body.warnings[0].message, /: (make|connect|give|have) /);
      const preview = (await posts.preview(base)).body;
      assert.deepEqual([preview.would_be, preview.warnings], ['accepted', body.warnings]);
    }
    const silent = ACCOUNT_REASONS.filter((reason) => !all.includes(reason));
    for (const reason of [...silent, null]) {
      await find(reason);
      assert.deepEqual((await posts.create(base)).body.warnings, [], String(reason));
    }
    await find('platforms_not_connected', ['youtube', 'x', 'reddit']);
    const { body } = await posts.create(base);
    assert.deepEqual(told(body.warnings), [
      ['platforms_not_connected', 'youtube'],
      ['platforms_not_connected', 'x'],
    ]);
    assert.match(body.warnings[0].message, /^YouTube is not connected/);
    assert.deepEqual((await posts.preview(base)).body.warnings, body.warnings);
    assert.deepEqual((await posts.create({ ...base, platforms: ['tiktok'] })).body.warnings, []);
  });

  it('are those of now after a change', async () => {
    await find('platforms_not_connected', ['x']);
    const { id } = (await posts.create(base)).body;
    await find(null);
    assert.deepEqual((await posts.patch(id, { title: 'B' })).body.warnings, []);
    await find('profile_not_found');
    assert.deepEqual(told((await posts.patch(id, { title: 'C' })).body.warnings), [
      ['profile_not_found', null],
    ]);
    await find(null);
  });
});
