import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import { TAKEN } from '../../src/db/takenTimes.ts';
import type { Platform } from '../../src/domain/platform.ts';
import type { PostStatus, TargetState } from '../../src/domain/post.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Minutes of the day, UTC, so long from now. */
const minuteIn = (minutes: number): number => Math.floor(Date.now() / MINUTE_MS + minutes + 1440) % 1440;

/** A post as it may have become, in minutes from now. */
interface Made {
  status: PostStatus;
  dueIn: number;
  outIn?: number;
  slotIn?: number;
  targets?: Partial<Record<Platform, TargetState>>;
}

describe('times that are taken', () => {
  let world: PostWorld;
  let db: Db;
  let userId: string;
  let videoId: string;
  let accountId: string;
  /** One now for all of a test: what is reckoned from it is as far apart as it says, to the millisecond. */
  let nowMs: number;

  before(async () => {
    world = await makePostWorld();
    db = world.db;
    userId = await makeOwner(db);
    videoId = await makeVideo(db, userId);
  });
  after(() => world?.close());
  /** From 35 minutes on each hour, of which none comes too near while a test runs. */
  beforeEach(async () => {
    nowMs = Date.now();
    const startMinute = minuteIn(35) % 60;
    accountId = await makeAccount(db, userId, { startMinute, endMinute: startMinute + 23 * 60 });
  });

  const look = async (count: number, limits = SLOTS) => {
    const account = await db.accounts.find(userId, accountId);
    assert.ok(account);
    return db.slots.preview(account, { count }, limits);
  };
  const next = async (count: number, limits = SLOTS) =>
    (await look(count, limits)).slots.map(({ atMs }) => atMs);
  const auto = () => accept(db, newPost({ userId, accountId, videoId }, { time: { timing: 'auto' } }));
  const at = (ms: number) => (ms - nowMs) / MINUTE_MS;

  async function make({ status, dueIn, outIn, slotIn, targets = { youtube: 'live' } }: Made): Promise<void> {
    const id = newId();
    const time = (minutes?: number) =>
      minutes === undefined ? null : new Date(Math.round(nowMs + minutes * MINUTE_MS));
    await world.sql(
      `insert into posts (id, user_id, account_id, video_id, title, params, status, timing, due_at, posted_at, slot_at,
         time_zone, warnings, created_at, updated_at)
       values ($1, $2, $3, $4, 'a', '{}', $5, 'at', $6, $7, $8, 'UTC', '[]', now(), now())`,
      [id, userId, accountId, videoId, status, time(dueIn), time(outIn), time(slotIn)],
    );
    for (const [platform, state] of Object.entries(targets))
      await world.sql(
        `insert into targets (id, post_id, platform, state, created_at, updated_at) values ($1, $2, $3, $4, now(), now())`,
        [newId(), id, platform, state],
      );
  }

  describe('of posts that are out', () => {
    it('are those of their slots, when they were confirmed about then', async () => {
      const [first = 0, second, third] = await next(3);
      const dueIn = at(first) - 60;
      await make({ status: 'posted', dueIn, outIn: dueIn + 40 / 60 });
      assert.deepEqual(await next(2), [first, second]);
      // Six minutes, where the interval is an hour.
      await make({ status: 'posted', dueIn, outIn: dueIn + 5.9 });
      await make({ status: 'partial', dueIn, outIn: dueIn - 5.9 });
      assert.deepEqual(await next(2), [first, second]);
      await make({ status: 'posted', dueIn, outIn: dueIn + 6.1 });
      assert.deepEqual(await next(2), [second, third]);
    });

    it('are about on time within ten minutes at most', async () => {
      await world.sql('update accounts set interval_minutes = 180 where id = $1', [accountId]);
      const [first = 0, second] = await next(2);
      const dueIn = at(first) - 180;
      await make({ status: 'posted', dueIn, outIn: dueIn + 9.9 });
      assert.deepEqual(await next(1), [first]);
      await make({ status: 'posted', dueIn, outIn: dueIn + 10.1 });
      assert.deepEqual(await next(1), [second]);
    });

    it('are those at which they went out, where that is another: the last one counts', async () => {
      const [, second] = await next(2);
      await make({ status: 'posted', dueIn: -600, outIn: -20 });
      assert.deepEqual(await next(1), [second]);
    });

    it('are given back by one that went out before its slot', async () => {
      const [first = 0] = await next(1);
      await make({ status: 'posted', dueIn: at(first), slotIn: at(first), outIn: -300 });
      assert.equal((await auto()).dueAt.getTime(), first);
    });
  });

  describe('of posts that are not out', () => {
    for (const status of ['scheduled', 'publishing'] as const)
      it(`are now where they are late: ${status}`, async () => {
        const [, second] = await next(2);
        await make({ status, dueIn: -180 });
        assert.deepEqual(await next(1), [second]);
      });

    it('are theirs where nobody knows', async () => {
      const [first] = await next(1);
      await make({ status: 'unknown', dueIn: -180 });
      assert.deepEqual(await next(1), [first]);
    });
  });

  describe('beyond what is looked at', () => {
    /** One a day, 20 minutes before so many days from now. */
    beforeEach(async () => {
      const minute = minuteIn(-20);
      accountId = await makeAccount(db, userId, { startMinute: minute, endMinute: minute });
    });

    it('count: just after a week', async () => {
      const days = await next(8);
      await make({ status: 'scheduled', dueIn: (7 * DAY_MS) / MINUTE_MS + 10 });
      assert.deepEqual(await next(7), days.toSpliced(6, 1));
    });

    it('count: just after the last day', async () => {
      const limits = { ...SLOTS, horizonDays: 5 };
      const days = await next(5, limits);
      assert.equal(days.length, 5);
      await make({ status: 'scheduled', dueIn: (5 * DAY_MS) / MINUTE_MS + 10 });
      assert.deepEqual(await next(5, limits), days.slice(0, 4));
    });

    it('count: as far back as the interval is', async () => {
      const minute = minuteIn(60);
      const columns = { startMinute: minute, endMinute: minute, intervalMinutes: 2880 };
      accountId = await makeAccount(db, userId, { ...columns, platforms: ['linkedin'] });
      const [first = 0] = await next(1);
      await make({ status: 'posted', dueIn: -1800, outIn: -1800, targets: { linkedin: 'live' } });
      assert.deepEqual(await next(1), [first + DAY_MS]);
    });
  });

  describe('of a platform that takes fifteen a day', () => {
    const fill = async (targets: Made['targets']) => {
      for (let post = 0; post < 15; post++)
        await make({
          status: 'partial',
          dueIn: -1380 + post,
          outIn: -1380 + post,
          ...(targets && { targets }),
        });
    };

    it('are those of the past day', async () => {
      const [, second] = await next(2);
      await fill({ tiktok: 'live' });
      const { slots, skipped } = await look(1);
      assert.deepEqual([slots[0]?.atMs, skipped.at(-1)?.reason], [second, 'platform_limit']);
    });

    for (const state of ['skipped', 'failed', 'cancelled'] as const)
      it(`are not those that it did not get: ${state}`, async () => {
        const [first] = await next(1);
        await fill({ tiktok: state, youtube: 'live' });
        assert.deepEqual(await next(1), [first]);
      });
  });

  it('are read by indexes', async () => {
    const accountIds = await Promise.all(Array.from({ length: 20 }, () => makeAccount(db, userId)));
    await world.sql(
      `insert into posts (id, user_id, account_id, video_id, title, params, status, timing, due_at, posted_at, time_zone,
         warnings, created_at, updated_at)
       select gen_random_uuid(), $1, account::uuid, $3, 'a', '{}', case when hour < 0 then 'posted' else 'scheduled' end,
         'at', at, case when hour < 0 then at + interval '40 seconds' end, 'UTC', '[]', now(), now()
       from unnest($2::text[]) account, generate_series(-350, 50) hour, lateral (select now() + hour * interval '1 hour' as at) due`,
      [userId, accountIds, videoId],
    );
    await world.sql('analyze posts');
    const asked = accountIds.map((account_id, range) => ({
      ...{ range, account_id, except_id: null, now: new Date(), on_time_sec: 360 },
      ...{ first: new Date(Date.now() - DAY_MS), last: new Date(Date.now() + 8 * DAY_MS) },
    }));
    const plan = await world.sql(`explain ${TAKEN.replace('?', '$1')}`, [JSON.stringify(asked)]);
    const steps = plan.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(steps, /Index/);
    assert.doesNotMatch(steps, /Seq Scan on posts/);
  });
});
