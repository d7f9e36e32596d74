import assert from 'node:assert/strict';
import type { NewPost, PostChanges } from '../../src/db/posts.ts';
import { createAccountCaller, testAccount } from './accounts.ts';
import type { TestApi, TestUser } from './api.ts';
import { accept, makeAccount, newPost, SLOTS } from './posting.ts';

/** Does with posts all that their owner can. @returns the first and those that were left for the video to be deleted with */
export async function changePosts({ db }: TestApi, user: TestUser, videoId: string): Promise<string[]> {
  const accountId = await makeAccount(db, user.id);
  const post = async (time: NewPost['time'] = { timing: 'auto' }) =>
    (await accept(db, newPost({ userId: user.id, accountId, videoId }, { time }))).id;
  const change = (id: string, changes: PostChanges) => db.posts.change(user.id, id, changes, SLOTS);
  const [first, second, third] = [await post(), await post({ timing: 'now' }), await post()];
  for (const title of ['Another', 'Another']) await change(first, { title, params: { a: ['b'] } });
  await change(first, { platforms: ['youtube'], time: { timing: 'now' } });
  await change(first, { platforms: ['tiktok'] });
  await change(first, { time: { timing: 'auto' }, platforms: ['tiktok', 'youtube'] });
  for (const _ of [1, 2]) await db.posts.cancel(user.id, first);
  return [first, second, third];
}

/** Does with accounts and groups all that their owner can, and has them checked. */
export async function changeAccounts(api: TestApi, user: TestUser, videoId: string): Promise<void> {
  const me = createAccountCaller(api, user);
  const own = { provider: 'upload_post', credentials: { api_key: 'an-api-key' } };
  const [id, other] = [await me.make({ ...own, autoposting: { enabled: true } }), await me.make()];
  const check = (
    revision: number,
    reason: 'credentials_refused' | 'unchecked' | null,
    needsReauth?: boolean,
  ) =>
    api.db.accountChecks.record(
      { accountId: id, revision },
      { reason, ...(needsReauth === undefined ? {} : { needsReauth }) },
      SLOTS,
    );
  for (const _ of [1, 2]) await check(1, 'credentials_refused', true);
  await me.patch(id, { credentials: { api_key: 'another' } });
  await check(1, 'credentials_refused', true);
  await check(2, null, false);
  await me.patch(id, { username: `${id}-new` });
  await api.db.accountChecks.giveUp({ accountId: id, revision: 3 });
  await me.patch(id, { username: `${id}-new` });
  for (const _ of [1, 2]) await me.patch(id, { status: 'paused', autoposting: { days: ['sun'] } });
  const group = await me.makeGroup({ account_ids: [id] });
  for (const account_ids of [[other, id], [id, other], []]) await me.patchGroup(group, { account_ids });
  for (const account_ids of [[other], ['01a1fcc3-b906-7071-a82d-b5032f01439d']])
    await me.patchGroup(group, { account_ids });
  await me.patch(id, { group });
  await me.patchGroup(group, { name: `${group} new` });
  await me.removeGroup(group);
  await me.put(other, testAccount());
  await accept(api.db, newPost({ userId: user.id, accountId: other, videoId }, { time: { timing: 'now' } }));
  const statuses = [await me.remove(id), await me.remove(id), await me.remove(other)].map(
    ({ status }) => status,
  );
  assert.deepEqual([...statuses, (await me.remove(other, '?force=true')).status], [204, 404, 409, 204]);
}
