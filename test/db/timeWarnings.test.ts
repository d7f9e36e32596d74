import assert from 'node:assert/strict';
import type { Db } from '../../src/db/index.ts';
import type { NewPost } from '../../src/db/posts.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const tomorrowMs = Date.now() + 24 * HOUR_MS;
const at = (ms: number) => ({ timing: 'at', dueAt: new Date(ms) }) as const;
const AUTO = { timing: 'auto' } as const;
const LIMIT = {
  ...{ code: 'platform_limit', platform: 'tiktok' },
  message: 'It takes 15 posts in 24 hours at most, and would get more',
};

describe('warnings of times', () => {
  let world: PostWorld;
  let db: Db;
  let userId: string;
  let videoId: string;
  let accountId: string;

  before(async () => {
    world = await makePostWorld();
    db = world.db;
    userId = await makeOwner(db);
    videoId = await makeVideo(db, userId);
  });
  after(() => world?.close());
  beforeEach(async () => {
    accountId = await makeAccount(db, userId, { platforms: ['linkedin', 'tiktok'] });
  });

  const post = (time: NewPost['time'], columns: Partial<NewPost> = {}) =>
    accept(db, newPost({ userId, accountId, videoId }, { time, ...columns }));
  const codes = async (time: NewPost['time']) => (await post(time)).warnings.map(({ code }) => code);
  const setOut = (id: string, outMs: number) =>
    world.sql(`update posts set status = 'posted', posted_at = $2 where id = $1`, [id, new Date(outMs)]);

  /** Fifteen posts, a minute from one to the next. */
  async function fill(fromMs: number): Promise<void> {
    for (let minute = 0; minute < 15; minute++)
      await post(at(fromMs + minute * MINUTE_MS), { platforms: ['tiktok'] });
  }

  describe('that are near to another post', () => {
    it('are reckoned from the time of one that went out about then', async () => {
      const { id } = await post(at(tomorrowMs));
      await setOut(id, tomorrowMs + 40_000);
      assert.deepEqual(await codes(at(tomorrowMs + HOUR_MS)), []);
      await setOut(id, tomorrowMs + 20 * MINUTE_MS);
      assert.deepEqual(await codes(at(tomorrowMs + HOUR_MS)), ['close_to_other_post']);
    });

    it('are of posts at once, where one is late', async () => {
      const { id } = await post(at(tomorrowMs));
      await world.sql(`update posts set due_at = now() - interval '3 hours' where id = $1`, [id]);
      assert.deepEqual(await codes({ timing: 'now' }), ['close_to_other_post']);
    });
  });

  describe('at which a platform gets more than it takes', () => {
    beforeEach(async () => {
      await world.sql('update accounts set interval_minutes = 1 where id = $1', [accountId]);
    });

    it('name it, where the caller chose them', async () => {
      await fill(tomorrowMs);
      const near = tomorrowMs + 5 * HOUR_MS;
      assert.deepEqual((await post(at(near))).warnings, [LIMIT]);
      assert.deepEqual(
        (await post(at(near), { platforms: ['linkedin'] })).warnings.map(({ code }) => code),
        ['close_to_other_post'],
      );
      assert.deepEqual((await post(at(tomorrowMs + 100 * HOUR_MS))).warnings, []);
    });

    it('are of accounts that have no times of their own as well', async () => {
      await world.sql('update accounts set is_autoposting = false where id = $1', [accountId]);
      await fill(Date.now() + HOUR_MS);
      assert.deepEqual((await post({ timing: 'now' })).warnings, [LIMIT]);
    });

    it('are now, for a post that is late', async () => {
      await fill(Date.now() + HOUR_MS);
      const { id } = await post(at(tomorrowMs + 50 * HOUR_MS), { platforms: ['linkedin'] });
      await world.sql(`update posts set due_at = now() - interval '3 days' where id = $1`, [id]);
      const changed = await db.posts.change(userId, id, { platforms: ['tiktok'] }, SLOTS);
      assert.deepEqual(changed?.warnings, [LIMIT]);
    });

    it('are those of slots whose post is to go there too, and it keeps its slot', async () => {
      await fill(Date.now() + HOUR_MS);
      const { id, dueAt } = await post(AUTO, { platforms: ['linkedin'] });
      // Near to it, which nobody is warned of who did not choose a time.
      await post(at(dueAt.getTime() + 30_000), { platforms: ['linkedin'] });
      const change = (platforms: readonly ('linkedin' | 'tiktok')[]) =>
        db.posts.change(userId, id, { platforms }, SLOTS);
      const changed = await change(['linkedin', 'tiktok']);
      assert.deepEqual([changed?.dueAt, changed?.timing, changed?.warnings], [dueAt, 'auto', [LIMIT]]);
      assert.deepEqual((await change(['linkedin']))?.warnings, []);
      await change(['linkedin', 'tiktok']);
      // A slot of its own is one that the platform has room at.
      const moved = await db.posts.change(userId, id, { time: AUTO }, SLOTS);
      assert.notDeepEqual(moved?.dueAt, dueAt);
      assert.deepEqual(moved?.warnings, []);
    });
  });
});
