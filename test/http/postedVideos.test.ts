import assert from 'node:assert/strict';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { accept, makeAccount, makeVideo, newPost } from '../support/posting.ts';
import { makeReady } from '../support/processedVideo.ts';
import { uniqueName } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const DAY_MS = 24 * 3600_000;

describe('videos that posts need', () => {
  let api: TestApi;
  let user: TestUser;
  let videoId: string;
  let accountId: string;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    accountId = await makeAccount(api.db, user.id);
  });
  after(() => api?.close());
  beforeEach(async () => {
    videoId = await makeVideo(api.db, user.id);
    api.flowCalls.length = 0;
  });

  const post = async (inDays = 1) => {
    const time = { timing: 'at', dueAt: new Date(Date.now() + inDays * DAY_MS) } as const;
    return accept(api.db, newPost({ userId: user.id, accountId, videoId }, { time }));
  };
  const remove = (query = '', id = videoId) =>
    api.call(`/v1/videos/${id}${query}`, { method: 'DELETE', token: user.token });
  const statusOf = async (id: string) => (await api.db.posts.find(user.id, id))?.status;

  it('stay, and those who delete them are told which posts these are', async () => {
    const late = await post(3);
    const soon = await post(2);
    await api.db.posts.cancel(user.id, (await post()).id);
    const { status, body } = await remove();
    assert.deepEqual([status, body.code], [409, 'in_use']);
    assert.deepEqual(
      body.errors,
      [soon, late].map(({ id, dueAt }) => ({
        path: `posts.${id}`,
        message: `is to go out at ${dueAt.toISOString()}`,
      })),
    );
    assert.equal((await remove('?force=false')).status, 409);
    assert.ok(await api.db.videos.find(user.id, videoId));
    assert.deepEqual(api.flowCalls, []);
  });

  it('name no more than a hundred of them', async () => {
    const { id } = await post();
    await api.sql(
      `insert into posts (id, user_id, account_id, video_id, title, params, timing, due_at, time_zone, warnings, created_at, updated_at)
       select uuidv7(), user_id, account_id, video_id, title, params, timing, due_at, time_zone, warnings, now(), now()
       from posts, generate_series(1, 120) where id = $1`,
      [id],
    );
    assert.equal((await remove()).body.errors.length, 100);
  });

  it('go with their posts when that is asked for', async () => {
    const { id } = await post();
    const { status, body } = await remove('?force=true');
    assert.deepEqual([status, body], [202, { id: videoId, deleted: true }]);
    assert.equal(await statusOf(id), 'cancelled');
    assert.deepEqual(api.flowCalls, [{ command: 'startRemoval', input: { videoId, userId: user.id } }]);
    const shown = await api.call(`/v1/posts/${id}`, { token: user.token });
    assert.deepEqual([shown.status, shown.body.status, shown.body.video_id], [200, 'cancelled', videoId]);
  });

  it('stay with all of their posts when one of these can no longer be cancelled', async () => {
    const [one, two] = [await post(), await post(2)];
    await api.sql(`update targets set state = 'armed' where post_id = $1 and platform = 'youtube'`, [two.id]);
    const { status, body } = await remove('?force=true');
    assert.deepEqual([status, body.code, body.errors], [409, 'too_late', undefined]);
    assert.deepEqual([await statusOf(one.id), await statusOf(two.id)], ['scheduled', 'scheduled']);
    assert.ok(await api.db.videos.find(user.id, videoId));
  });

  it('go when what was posted of them is over', async () => {
    const { id } = await post();
    await api.sql(`update posts set status = 'posted' where id = $1`, [id]);
    assert.equal((await remove()).status, 202);
    assert.equal(await statusOf(id), 'posted');
  });

  it('are nobody else’s to ask about', async () => {
    await post();
    const other = await api.makeUser();
    const answer = await api.call(`/v1/videos/${videoId}?force=true`, {
      method: 'DELETE',
      token: other.token,
    });
    assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
    assert.equal((await remove('?force=perhaps')).status, 422);
  });

  it('also stay when the edit that makes them is to be cancelled', async () => {
    const parent = await makeReady(api, user, { bytes: videoBytes(2000, uniqueName()) });
    const json = { start_time: 1, end_time: 2 };
    const { body: edit } = await api.call(`/v1/videos/${parent}/trim`, { json, token: user.token });
    await api.sql(`update edits set video_id = $2, status = 'running' where id = $1`, [edit.id, videoId]);
    const { id } = await post();
    const cancel = () => api.call(`/v1/edits/${edit.id}/cancel`, { method: 'POST', token: user.token });
    const refused = await cancel();
    assert.deepEqual([refused.status, refused.body.code], [409, 'in_use']);
    assert.deepEqual(
      refused.body.errors.map(({ path }: { path: string }) => path),
      [`posts.${id}`],
    );
    await api.db.posts.cancel(user.id, id);
    assert.equal((await cancel()).status, 202);
  });

  it('leave nothing behind with their user', async () => {
    const other = await api.makeUser();
    const [own, account] = [await makeVideo(api.db, other.id), await makeAccount(api.db, other.id)];
    await accept(api.db, newPost({ userId: other.id, accountId: account, videoId: own }));
    const json = { name: 'Some', account_ids: [account] };
    assert.equal((await api.call('/v1/groups', { json, token: other.token })).status, 201);
    await api.db.videos.requestDelete(other.id, own, true);
    await api.db.reconciliation.erase(own);
    assert.equal(await api.db.users.remove(other.id), true);
    for (const table of ['accounts', 'account_groups', 'posts'])
      assert.deepEqual(await api.sql(`select from ${table} where user_id = $1`, [other.id]), [], table);
    const orphans = 'select from targets t left join posts p on p.id = t.post_id where p.id is null';
    assert.deepEqual(await api.sql(orphans), []);
  });
});
