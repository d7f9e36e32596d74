import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import { NoSlotError } from '../../src/db/postRefusals.ts';
import type { NewPost } from '../../src/db/posts.ts';
import type { SlotLimits } from '../../src/db/slots.ts';
import { PENDING_POST_STATUSES, POST_STATUSES, TIME_HOLDING_POST_STATUSES } from '../../src/domain/post.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';
import { waitFor } from '../support/stack.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const isPending = (status: string): boolean => PENDING_POST_STATUSES.some((one) => one === status);
const isHolding = (status: string): boolean => TIME_HOLDING_POST_STATUSES.some((one) => one === status);

/** Minutes of the day, UTC, so long from now. */
const minuteIn = (minutes: number): number => Math.floor(Date.now() / MINUTE_MS + minutes) % 1440;

/** Slots of which none comes too near while a test runs. */
function hourly() {
  const startMinute = minuteIn(35) % 60;
  return { startMinute, endMinute: startMinute + 23 * 60 };
}

describe('slots of accounts', () => {
  let world: PostWorld;
  let db: Db;
  let userId: string;
  let videoId: string;
  let accountId: string;

  before(async () => {
    world = await makePostWorld(12);
    db = world.db;
    userId = await makeOwner(db);
    videoId = await makeVideo(db, userId);
  });
  after(() => world?.close());
  beforeEach(async () => {
    accountId = await makeAccount(db, userId, hourly());
  });

  const post = (columns: Partial<NewPost> = {}) =>
    accept(db, newPost({ userId, accountId, videoId }, columns));
  const auto = async () => (await post({ time: { timing: 'auto' } })).dueAt.getTime();
  const explicit = (dueMs: number) => post({ time: { timing: 'at', dueAt: new Date(dueMs) } });
  const look = async (count: number, limits: SlotLimits = SLOTS) => {
    const account = await db.accounts.find(userId, accountId);
    assert.ok(account);
    return db.slots.preview(account, { count }, limits);
  };
  const next = async (count: number) => (await look(count)).slots.map(({ atMs }) => atMs);
  /** Holds the account in a transaction of its own while others ask, and then does something before it ends. */
  async function whileHeld<T>(ask: () => Promise<T>, statements: [string, unknown[]][]): Promise<T> {
    await world.sql('begin');
    await world.sql('select from accounts where id = $1 for no key update', [accountId]);
    const asked = ask();
    // An error is looked at by whoever awaits it, below.
    asked.catch(() => {});
    await waitFor(world.isAnyoneWaiting, { what: 'somebody who waits for the account' });
    for (const [text, values] of statements) await world.sql(text, values);
    await world.sql('commit');
    return asked;
  }

  const insertPost = (dueMs: number, slotMs: number | null, status = 'scheduled'): [string, unknown[]] => [
    `insert into posts (id, user_id, account_id, video_id, title, params, status, timing, due_at, slot_at, time_zone,
       warnings, created_at, updated_at)
     values ($1, $2, $3, $4, 'a', '{}', $5, $6, $7, $8, 'UTC', '[]', now(), now())`,
    [
      ...[newId(), userId, accountId, videoId, status, slotMs === null ? 'at' : 'auto'],
      ...[new Date(dueMs), slotMs === null ? null : new Date(slotMs)],
    ],
  ];

  describe('that are asked for at once', () => {
    it('are all different, and those that were shown', async () => {
      const shown = await next(16);
      const given = await Promise.all(Array.from({ length: 16 }, auto));
      assert.deepEqual(given.toSorted(), shown);
    });

    it('are not those that are given while one waits', async () => {
      const [first = 0, second] = await next(2);
      assert.equal(await whileHeld(auto, [insertPost(first, first)]), second);
    });

    it('are not near to a time that is chosen while one waits', async () => {
      const [first = 0, , third] = await next(3);
      assert.equal(await whileHeld(auto, [insertPost(first + MINUTE_MS, null)]), third);
    });

    it('are those of a window that is changed while one waits', async () => {
      const [first = 0] = await next(1);
      const change =
        'update accounts set start_minute = 17, end_minute = 17, interval_minutes = 5 where id = $1';
      const given = await whileHeld(auto, [[change, [accountId]]]);
      assert.equal(given % DAY_MS, 17 * MINUTE_MS);
      assert.notEqual(given, first);
    });

    it('are none any more when the account stops meanwhile', async () => {
      const stop = 'update accounts set is_autoposting = false where id = $1';
      await assert.rejects(
        whileHeld(auto, [[stop, [accountId]]]),
        ({ code }: { code: string }) => code === 'autoposting_disabled',
      );
    });

    it('are refused by the database to whoever does not hold the account', async () => {
      const [first = 0] = await next(1);
      await world.sql(...insertPost(first, first));
      await assert.rejects(world.sql(...insertPost(first, first)), /posts_slot/);
      for (const status of POST_STATUSES.filter((one) => !isPending(one)))
        await world.sql(...insertPost(first, first, status));
    });
  });

  describe('that posts have', () => {
    for (const status of POST_STATUSES) {
      it(`are ${isHolding(status) ? 'kept' : 'given back'} when they are ${status}`, async () => {
        const [first, second] = await next(2);
        const { id } = await post({ time: { timing: 'auto' } });
        await world.sql('update posts set status = $2 where id = $1', [id, status]);
        assert.equal(await auto(), isHolding(status) ? second : first);
      });
    }

    it('are free for the post that is moved', async () => {
      const [first = 0] = await next(1);
      const { id } = await explicit(first + MINUTE_MS);
      const moved = await db.posts.change(userId, id, { time: { timing: 'auto' } }, SLOTS);
      assert.equal(moved?.dueAt.getTime(), first);
    });

    it('count when they went out, once that is known', async () => {
      const [first = 0, second, third = 0, fourth] = await next(4);
      const { id } = await explicit(third);
      assert.deepEqual(await next(3), [first, second, fourth]);
      const outAt = new Date(first - 5 * MINUTE_MS);
      await world.sql(`update posts set status = 'posted', posted_at = $2 where id = $1`, [id, outAt]);
      assert.deepEqual(await next(2), [second, third]);
      // Long late: planned for days ago.
      await world.sql(`update posts set due_at = $2 where id = $1`, [id, new Date(first - 9 * DAY_MS)]);
      assert.deepEqual(await next(2), [second, third]);
    });

    it('keep others away, and it is said which they are', async () => {
      const [first = 0, second = 0, third] = await next(3);
      const { id } = await explicit(first + 20 * MINUTE_MS);
      const { slots, skipped } = await look(1);
      assert.equal(slots[0]?.atMs, third);
      assert.deepEqual(
        skipped
          .filter(({ reason }) => reason === 'close_to_other_post')
          .map(({ atMs, postId }) => [atMs, postId]),
        [
          [first, id],
          [second, id],
        ],
      );
    });

    it('are only those of the account', async () => {
      const shown = await next(2);
      accountId = await makeAccount(db, userId, hourly());
      await auto();
      accountId = await makeAccount(db, userId, hourly());
      assert.deepEqual(await next(2), shown);
    });
  });

  describe('of platforms that take so many a day', () => {
    beforeEach(async () => {
      accountId = await makeAccount(db, userId, {
        ...{ platforms: ['tiktok', 'linkedin'], intervalMinutes: 1 },
        ...{ startMinute: minuteIn(60), endMinute: minuteIn(180) },
      });
    });

    it('are a day after the first of them', async () => {
      const [first = 0] = await next(1);
      const given = [];
      for (let at = 0; at < 16; at++) given.push(await auto());
      assert.deepEqual(
        given.map((atMs) => (atMs - first) / MINUTE_MS),
        [...Array(15).keys(), 1440],
      );
      const { skipped } = await look(1);
      assert.deepEqual(
        new Set(skipped.slice(50).map(({ reason, platform }) => `${reason} ${platform}`)),
        new Set(['platform_limit tiktok']),
      );
    });

    it('are nearer for those that they do not go to, or did not reach', async () => {
      const posts = [];
      for (let at = 0; at < 15; at++) posts.push(await post({ time: { timing: 'auto' } }));
      const lastMs = posts.at(-1)?.dueAt.getTime() ?? 0;
      const other = await post({ time: { timing: 'auto' }, platforms: ['linkedin'] });
      assert.equal(other.dueAt.getTime(), lastMs + MINUTE_MS);
      await world.sql(`update targets set state = 'failed' where post_id = $1 and platform = 'tiktok'`, [
        posts[7]?.id,
      ]);
      assert.equal(await auto(), lastMs + 2 * MINUTE_MS);
    });
  });

  describe('far ahead', () => {
    it('are found when a week is full, and none when all is', async () => {
      const minute = minuteIn(60);
      accountId = await makeAccount(db, userId, { startMinute: minute, endMinute: minute });
      const [first = 0] = await next(1);
      for (let day = 0; day < 10; day++) await world.sql(...insertPost(first + day * DAY_MS, null));
      assert.equal(await auto(), first + 10 * DAY_MS);
      const { slots, skippedCount } = await look(3, { leadSec: 300, horizonDays: 9 });
      assert.deepEqual(slots, []);
      assert.ok(skippedCount >= 9 && skippedCount <= 10);
      const wanted = newPost({ userId, accountId, videoId }, { time: { timing: 'auto' } });
      const short = { leadSec: 300, horizonDays: 9 };
      await assert.rejects(
        db.transaction(({ posts }) => posts.accept(wanted, short)),
        NoSlotError,
      );
    });
  });
});
