import assert from 'node:assert/strict';
import type { Db } from '../../src/db/index.ts';
import { AutopostingDisabledError, PlatformsMissingError, TooLateError } from '../../src/db/postRefusals.ts';
import type { NewPost, PostChanges } from '../../src/db/posts.ts';
import { isOpenTarget, POST_STATUSES, TARGET_STATES } from '../../src/domain/post.ts';
import {
  accept,
  makeAccount,
  makeOwner,
  makeVideo,
  newPost,
  platformsOf,
  SLOTS,
} from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';

const HOUR_MS = 3600_000;
const tomorrow = new Date(Date.now() + 24 * HOUR_MS);
const at = (dueAt: Date) => ({ timing: 'at', dueAt }) as const;
const AUTO = { timing: 'auto' } as const;

describe('posts that nothing has left for', () => {
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
    accountId = await makeAccount(db, userId, { platforms: ['linkedin', 'tiktok', 'youtube'] });
  });

  const post = async (columns: Partial<NewPost> = {}) =>
    (await accept(db, newPost({ userId, accountId, videoId }, { time: at(tomorrow), ...columns }))).id;
  const change = (id: string, changes: PostChanges) => db.posts.change(userId, id, changes, SLOTS);
  const typesOf = async (id: string) =>
    (await world.sql('select type from events where object_id = $1 order by sequence', [id])).map(
      ({ type }) => type,
    );
  const setState = (id: string, state: string) =>
    world.sql(`update targets set state = $2 where post_id = $1 and platform = 'tiktok'`, [id, state]);

  describe('can be changed', () => {
    it('in what they say, and keep what is left out', async () => {
      const id = await post({ description: 'More' });
      const warnings = [{ code: 'other', message: 'It is', platform: null }];
      const changed = await change(id, { title: 'Another', params: { youtube: { tags: ['a'] } }, warnings });
      assert.ok(changed);
      const { title, description, params, dueAt } = changed;
      assert.deepEqual(
        { title, description, params, dueAt, warnings: changed.warnings },
        {
          ...{ title: 'Another', description: 'More', params: { youtube: { tags: ['a'] } }, warnings },
          dueAt: tomorrow,
        },
      );
      assert.deepEqual((await change(id, { description: null }))?.description, null);
      assert.deepEqual(await typesOf(id), ['post.scheduled', 'post.updated', 'post.updated']);
    });

    it('in where they go', async () => {
      const id = await post({ platforms: ['tiktok', 'youtube'] });
      const [kept] = await world.sql(`select id from targets where post_id = $1 and platform = 'youtube'`, [
        id,
      ]);
      const changed = await change(id, { platforms: ['youtube', 'linkedin'] });
      assert.ok(changed);
      assert.deepEqual(platformsOf(changed), ['linkedin', 'youtube']);
      const targets = await world.sql(
        'select id, platform, state, attempts from targets where post_id = $1 order by platform',
        [id],
      );
      assert.deepEqual(
        targets.map(({ platform, state, attempts }) => ({ platform, state, attempts })),
        ['linkedin', 'youtube'].map((platform) => ({ platform, state: 'planned', attempts: 0 })),
      );
      assert.equal(targets[1].id, kept.id);
      const all = await change(id, { platforms: ['linkedin', 'tiktok', 'youtube'] });
      assert.ok(all);
      assert.deepEqual(platformsOf(all), ['linkedin', 'tiktok', 'youtube']);
      await assert.rejects(change(id, { platforms: ['x'] }), PlatformsMissingError);
    });

    it('in when they go out, as new ones are', async () => {
      const id = await post({ time: AUTO });
      const other = await db.posts.find(userId, await post({ time: AUTO }));
      const first = await db.posts.find(userId, id);
      assert.ok(first?.slotAt && other?.slotAt);
      assert.equal(other.slotAt.getTime() - first.slotAt.getTime(), HOUR_MS);
      const near = new Date(other.slotAt.getTime() - 1);
      const moved = await change(id, { time: at(near) });
      assert.deepEqual([moved?.timing, moved?.dueAt, moved?.slotAt], ['at', near, null]);
      assert.deepEqual(
        moved?.warnings.map(({ code }) => code),
        ['close_to_other_post'],
      );
      const back = await change(id, { time: AUTO });
      assert.deepEqual([back?.timing, back?.dueAt, back?.slotAt], ['auto', first.dueAt, first.slotAt]);
      assert.deepEqual(back?.warnings, []);
      const beforeMs = Date.now();
      const now = await change(id, { time: { timing: 'now' } });
      assert.ok(now && now.dueAt.getTime() >= beforeMs && now.dueAt.getTime() <= Date.now());
      assert.deepEqual([now.timing, now.slotAt], ['now', null]);
      await db.accounts.change(userId, accountId, { isAutoposting: false }, SLOTS);
      await assert.rejects(change(id, { time: AUTO }), AutopostingDisabledError);
    });

    it('and keep the warning of their time while only other things change', async () => {
      await post();
      const id = await post();
      const changed = await change(id, { title: 'Another', warnings: [] });
      assert.deepEqual(
        changed?.warnings.map(({ code }) => code),
        ['close_to_other_post'],
      );
    });

    it('while their account takes no new ones', async () => {
      const id = await post();
      await db.accounts.change(userId, accountId, { isPaused: true }, SLOTS);
      assert.equal((await change(id, { title: 'Another' }))?.title, 'Another');
    });

    it('into what they are, which is no change', async () => {
      const id = await post({
        platforms: ['youtube', 'tiktok'],
        params: { a: 1, b: { c: [1, 2].map(String) } },
      });
      const before = await world.sql('select * from posts where id = $1', [id]);
      const same = await change(id, {
        ...{ title: 'A title', description: null, params: { b: { c: ['1', '2'] }, a: 1 } },
        ...{ platforms: ['tiktok', 'youtube'], time: at(tomorrow) },
      });
      assert.ok(same);
      assert.deepEqual(platformsOf(same), ['tiktok', 'youtube']);
      assert.deepEqual(await world.sql('select * from posts where id = $1', [id]), before);
      assert.deepEqual(await typesOf(id), ['post.scheduled']);
    });

    it('by their owner only', async () => {
      const other = await makeOwner(db);
      const id = await post();
      assert.equal(await db.posts.change(other, id, { title: 'Mine' }, SLOTS), null);
      assert.equal(await db.posts.cancel(other, id), null);
      assert.deepEqual(await typesOf(id), ['post.scheduled']);
    });
  });

  describe('can be cancelled', () => {
    it('with all their targets, which is told once', async () => {
      const id = await post();
      for (const _ of [1, 2]) {
        const cancelled = await db.posts.cancel(userId, id);
        assert.equal(cancelled?.status, 'cancelled');
        assert.deepEqual([...new Set([...cancelled.targets].map(({ state }) => state))], ['cancelled']);
      }
      const targets = Array.from({ length: 3 }, () => 'target.cancelled');
      assert.deepEqual(await typesOf(id), ['post.scheduled', ...targets, 'post.cancelled']);
    });

    it('and give their slot back', async () => {
      const [first, second] = [await post({ time: AUTO }), await post({ time: AUTO })];
      const slot = (await db.posts.find(userId, first))?.slotAt;
      await db.posts.cancel(userId, first);
      assert.deepEqual((await db.posts.find(userId, await post({ time: AUTO })))?.slotAt, slot);
      assert.notDeepEqual((await db.posts.find(userId, second))?.slotAt, slot);
    });
  });

  describe('and those that something may have left for', () => {
    for (const state of TARGET_STATES) {
      const isOpen = isOpenTarget(state);
      it(`are told apart: with a target that is ${state} it is ${isOpen ? 'not too late' : 'too late'}`, async () => {
        for (const end of [
          (id: string) => change(id, { title: 'Another' }),
          (id: string) => db.posts.cancel(userId, id),
        ]) {
          const id = await post();
          await setState(id, state);
          if (isOpen) assert.ok(await end(id));
          else await assert.rejects(end(id), TooLateError);
          const told = (await typesOf(id)).length > 1;
          assert.equal(told, isOpen);
        }
      });
    }

    for (const status of POST_STATUSES.filter((each) => !['scheduled', 'publishing'].includes(each)))
      it(`are told apart: when it is ${status} it is over`, async () => {
        const id = await post();
        await world.sql('update posts set status = $2 where id = $1', [id, status]);
        await assert.rejects(change(id, { title: 'Another' }), TooLateError);
        if (status === 'cancelled') assert.ok(await db.posts.cancel(userId, id));
        else await assert.rejects(db.posts.cancel(userId, id), TooLateError);
      });
  });

  it('go when the upload ends that they waited for', async () => {
    const id = await post();
    await world.sql(`update videos set status = 'awaiting_upload' where id = $1`, [videoId]);
    await db.transaction(({ uploads }) => uploads.eraseVideo(videoId));
    assert.equal((await db.posts.find(userId, id))?.status, 'cancelled');
    const told = await world.sql('select type from events where video_id = $1 order by sequence', [videoId]);
    assert.deepEqual(
      told.slice(-2).map(({ type }) => type),
      ['post.cancelled', 'video.deleted'],
    );
    videoId = await makeVideo(db, userId);
  });

  describe('of an account that goes', () => {
    it('go with it, however many they are, or none does', async () => {
      const ids: string[] = [];
      await db.transaction(async ({ posts }) => {
        for (let made = 0; made < 5; made++) {
          const wanted = newPost({ userId, accountId, videoId }, { time: at(tomorrow) });
          ids.push((await posts.accept(wanted, SLOTS)).id);
        }
      });
      const [template] = ids;
      await world.sql(
        `insert into posts (id, user_id, account_id, video_id, title, params, timing, due_at, time_zone, warnings, created_at, updated_at)
         select uuidv7(), user_id, account_id, video_id, title, params, timing, due_at, time_zone, warnings, now(), now()
         from posts, generate_series(1, 1001) where id = $1`,
        [template],
      );
      await setState(ids[3] ?? '', 'armed');
      const remove = () => db.accounts.remove(userId, accountId, { isForced: true, limits: SLOTS });
      const statuses = async () =>
        (
          await world.sql('select status, count(*)::int from posts where account_id = $1 group by 1', [
            accountId,
          ])
        ).map(({ status, count }) => [status, count]);
      await assert.rejects(remove(), TooLateError);
      assert.deepEqual(await statuses(), [['scheduled', 1006]]);
      await setState(ids[3] ?? '', 'prepared');
      assert.equal(await remove(), true);
      assert.deepEqual(await statuses(), [['cancelled', 1006]]);
      assert.deepEqual((await typesOf(ids[3] ?? '')).at(-1), 'post.cancelled');
    });
  });
});
