import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { refusalOf } from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { createPostCaller, inHours, type PostCaller } from '../support/postCalls.ts';

describe('posts are listed', () => {
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
    account_id = await posts.accounts.make({ timezone: 'Europe/Berlin' });
    base = { video_id, account_id, title: 'A title', scheduled_at: inHours(48) };
  });

  const setStatus = (id: string, status: string) =>
    api.sql('update posts set status = $2 where id = $1', [id, status]);

  const idsOf = async (query: string): Promise<string[]> => {
    const { status, body } = await posts.list(query);
    assert.equal(status, 200, JSON.stringify(body));
    return body.data.map(({ id }: { id: string }) => id);
  };

  it('newest first, in pages', async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.unshift(await posts.make(base));
    assert.deepEqual(await idsOf(''), made);
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const page = await posts.list(`limit=2&account_id=${account_id}${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...page.body.data.map(({ id }: { id: string }) => id));
      cursor = page.body.next_cursor;
    } while (cursor);
    assert.deepEqual(seen, made);
  });

  it('by status; pending is everything whose end is not known', async () => {
    const statuses = ['scheduled', 'publishing', 'posted', 'partial', 'failed', 'unknown', 'cancelled'];
    const ids = new Map<string, string>();
    for (const status of statuses) {
      const id = await posts.make(base);
      ids.set(status, id);
      await setStatus(id, status);
    }
    for (const status of statuses) assert.deepEqual(await idsOf(`status=${status}`), [ids.get(status)]);
    const pending = ['unknown', 'publishing', 'scheduled'].map((status) => ids.get(status));
    assert.deepEqual(await idsOf('status=pending'), pending);
    const [first, ...rest] = pending;
    const page = await posts.list('status=pending&limit=1');
    assert.deepEqual(page.body.data[0].id, first);
    assert.deepEqual(await idsOf(`status=pending&cursor=${page.body.next_cursor}`), rest);
  });

  it('by account, video and user_id', async () => {
    const other = await posts.accounts.make({ user_id: 'u1' });
    const video = await posts.video();
    const [one, two] = [
      await posts.make(base),
      await posts.make({ ...base, account_id: other, video_id: video }),
    ];
    assert.deepEqual(await idsOf(`account_id=${other}`), [two]);
    assert.deepEqual(await idsOf(`account_id=${account_id.toUpperCase()}`), [one]);
    assert.deepEqual(await idsOf(`video_id=${video}`), [two]);
    assert.deepEqual(await idsOf('user_id=u1'), [two]);
    assert.deepEqual(await idsOf(`user_id=u1&video_id=${video_id}`), []);
    assert.deepEqual(await idsOf(`account_id=${uuidv7()}`), []);
  });

  it('as a calendar: from a time, the first included, to another, which is not', async () => {
    const [day, next] = [inHours(100), inHours(124)];
    const ids = [];
    for (const scheduled_at of [inHours(99), day, inHours(110), next])
      ids.push(await posts.make({ ...base, scheduled_at }));
    const [, first, second, third] = ids;
    assert.deepEqual(await idsOf(`from=${day}&to=${next}`), [second, first]);
    assert.deepEqual(await idsOf(`from=${day}`), [third, second, first]);
    assert.deepEqual(await idsOf(`from=${next}&to=${day}`), []);
    const berlin = encodeURIComponent(day.replace('Z', '+00:00'));
    assert.deepEqual(await idsOf(`from=${berlin}&to=${next}&limit=1`), [second]);
  });

  it('not for wrong filters', async () => {
    for (const query of [
      'status=done',
      'status=',
      'account_id=x',
      'video_id=1',
      'from=2026-12-24',
      'to=tomorrow',
      'from=2026-12-24T00:00:00',
      'group_id=x',
      'limit=0',
      'status=posted&status=failed',
    ]) {
      const answer = await posts.list(query);
      assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_request'], query);
    }
  });

  it("for their owners alone, who meet others' as missing ones", async () => {
    const id = await posts.make(base);
    const stranger = createPostCaller(api, await api.makeUser());
    assert.deepEqual((await stranger.list(`account_id=${account_id}`)).body.data, []);
    for (const attempt of [
      stranger.call(`/${id}`),
      stranger.targets(id),
      stranger.patch(id, { title: 'x' }),
      stranger.cancel(id),
    ])
      assert.equal(refusalOf(await attempt), '404 not_found');
    assert.equal((await posts.show(id)).title, 'A title');
  });
});
