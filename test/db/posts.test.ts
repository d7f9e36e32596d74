import assert from 'node:assert/strict';
import type { Db } from '../../src/db/index.ts';
import {
  AccountMissingError,
  AccountPausedError,
  AutopostingDisabledError,
  PlatformsMissingError,
  ReauthRequiredError,
  VideoMissingError,
  VideoNotUsableError,
} from '../../src/db/postRefusals.ts';
import type { NewPost } from '../../src/db/posts.ts';
import { POST_STATUSES, TIME_HOLDING_POST_STATUSES } from '../../src/domain/post.ts';
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
import { uniqueName } from '../support/stack.ts';

const HOUR_MS = 3600_000;
const tomorrow = new Date(Date.now() + 24 * HOUR_MS);
const later = (ms: number) => new Date(tomorrow.getTime() + ms);
const at = (dueAt: Date) => ({ timing: 'at', dueAt }) as const;

describe('posts', () => {
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
    accountId = await makeAccount(db, userId);
  });

  const post = (columns: Partial<NewPost> = {}) =>
    accept(db, newPost({ userId, accountId, videoId }, columns));
  const counts = async () =>
    await world.sql(
      'select (select count(*) from posts) p, (select count(*) from targets) t, (select count(*) from events) e',
    );
  const typesOf = async (id: string) =>
    (await world.sql('select type from events where object_id = $1 order by sequence', [id])).map(
      ({ type }) => type,
    );

  describe('that are accepted', () => {
    it('have a planned target for each platform, and are told of', async () => {
      const wanted: Partial<NewPost> = {
        ...{ title: 'Hello', description: 'More of it', params: { tiktok: { privacy_level: 'SELF_ONLY' } } },
        ...{ notify: 'telegram', warnings: [{ code: 'scaled', message: 'It is', platform: 'tiktok' }] },
      };
      const { id } = await post({ ...wanted, time: at(tomorrow) });
      const row = await db.posts.find(userId, id);
      assert.ok(row);
      const { status, timing, dueAt, slotAt, timeZone, title, description, params, notify, warnings } = row;
      assert.deepEqual(
        { status, timing, dueAt, slotAt, timeZone, title, description, params, notify, warnings },
        {
          ...wanted,
          ...{ status: 'scheduled', timing: 'at', dueAt: tomorrow, slotAt: null, timeZone: 'UTC' },
        },
      );
      assert.deepEqual(platformsOf(row), ['tiktok', 'youtube']);
      assert.deepEqual([...new Set([...row.targets].map(({ state }) => state))], ['planned']);
      assert.deepEqual(await typesOf(id), ['post.scheduled']);
    });

    it('go out at once when nothing else is asked, and to fewer platforms when that is', async () => {
      const beforeMs = Date.now();
      const { id } = await post({ platforms: ['youtube'] });
      const row = await db.posts.find(userId, id);
      assert.ok(row && row.dueAt.getTime() >= beforeMs && row.dueAt.getTime() <= Date.now());
      assert.deepEqual([row.timing, platformsOf(row)], ['now', ['youtube']]);
    });

    it('bear the account’s label and zone', async () => {
      accountId = await makeAccount(db, userId, { userLabel: 'anna', timeZone: 'Asia/Kathmandu' });
      const { userLabel, timeZone } = await post();
      assert.deepEqual([userLabel, timeZone], ['anna', 'Asia/Kathmandu']);
    });

    it('are of videos that are there, or can be waited for', async () => {
      for (const status of ['pending', 'processing', 'ready']) {
        await world.sql('update videos set status = $2 where id = $1', [videoId, status]);
        await post();
      }
    });
  });

  describe('that are refused', () => {
    const refuses = async (wanted: Partial<NewPost>, Refusal: new (...args: never[]) => Error) => {
      const counted = await counts();
      await assert.rejects(post(wanted), Refusal);
      assert.deepEqual(await counts(), counted);
    };

    it('are those of accounts that take none', async () => {
      await db.accounts.change(userId, accountId, { isPaused: true }, SLOTS);
      await refuses({}, AccountPausedError);
      accountId = await makeAccount(db, userId);
      await world.sql('update accounts set needs_reauth = true where id = $1', [accountId]);
      await refuses({}, ReauthRequiredError);
      await world.sql('update accounts set deleted_at = now() where id = $1', [accountId]);
      await refuses({}, AccountMissingError);
    });

    it('are those to platforms that the account does not post to', async () => {
      await refuses({ platforms: ['tiktok', 'x', 'flic'] }, PlatformsMissingError);
    });

    it('are those for the next slot of an account that has none', async () => {
      accountId = await makeAccount(db, userId, { isAutoposting: false });
      await refuses({ time: { timing: 'auto' } }, AutopostingDisabledError);
    });

    it('are those with somebody else’s account or video', async () => {
      const other = await makeOwner(db);
      await refuses({ accountId: await makeAccount(db, other) }, AccountMissingError);
      await refuses({ videoId: await makeVideo(db, other) }, VideoMissingError);
      await refuses({ userId: other }, VideoMissingError);
    });

    it('are those of videos that nothing can be made of', async () => {
      const unusable = await makeVideo(db, userId);
      for (const status of ['failed', 'cancelled', 'awaiting_upload']) {
        await world.sql('update videos set status = $2 where id = $1', [unusable, status]);
        await refuses({ videoId: unusable }, VideoNotUsableError);
      }
      await world.sql(`update videos set status = 'processing', cancel_requested_at = now() where id = $1`, [
        unusable,
      ]);
      await refuses({ videoId: unusable }, VideoNotUsableError);
      await db.videos.requestDelete(userId, unusable);
      await refuses({ videoId: unusable }, VideoMissingError);
    });
  });

  describe('of several accounts', () => {
    it('are refused each by its own, and answered in the order that was asked', async () => {
      const accountIds = await Promise.all(Array.from({ length: 4 }, () => makeAccount(db, userId)));
      const [paused = '', needing = ''] = [accountIds[2], accountIds[1]];
      await db.accounts.change(userId, paused, { isPaused: true }, SLOTS);
      await world.sql('update accounts set needs_reauth = true where id = $1', [needing]);
      const order = [3, 2, 1, 0].map((index) => accountIds[index] ?? '');
      const wanted = order.map((id) => newPost({ userId, accountId: id, videoId }));
      const acceptances = await db.transaction(({ posts }) => posts.acceptAll(wanted, SLOTS));
      assert.deepEqual(
        acceptances.map((one) => [one.accountId, 'post' in one ? 'accepted' : one.refusal.code]),
        order.map((id) => {
          if (id === paused) return [id, 'account_paused'];
          return [id, id === needing ? 'reauth_required' : 'accepted'];
        }),
      );
      for (const one of acceptances) {
        const rows = await world.sql('select id from posts where account_id = $1', [one.accountId]);
        assert.deepEqual(
          rows.map(({ id }) => id),
          'post' in one ? [one.post.id] : [],
        );
      }
    });

    it('are refused all when the video cannot be used', async () => {
      const wanted = [newPost({ userId, accountId, videoId: await makeVideo(db, await makeOwner(db)) })];
      await assert.rejects(
        db.transaction(({ posts }) => posts.acceptAll(wanted, SLOTS)),
        VideoMissingError,
      );
    });
  });

  describe('near another', () => {
    const codes = async (time: NewPost['time'], wanted: Partial<NewPost> = {}) =>
      (await post({ time, ...wanted })).warnings.map(({ code }) => code);

    it('are warned of, where the account keeps a distance', async () => {
      await post({ time: at(tomorrow) });
      assert.deepEqual(await codes(at(later(HOUR_MS))), []);
      const given = { code: 'given', message: 'It was', platform: null };
      assert.deepEqual(await codes(at(later(-HOUR_MS + 1)), { warnings: [given] }), [
        'given',
        'close_to_other_post',
      ]);
      accountId = await makeAccount(db, userId, { isAutoposting: false });
      await post({ time: at(tomorrow) });
      assert.deepEqual(await codes(at(tomorrow)), []);
    });

    for (const status of POST_STATUSES)
      it(`that is ${status} are ${TIME_HOLDING_POST_STATUSES.some((holding) => holding === status) ? '' : 'not '}warned of`, async () => {
        const { id } = await post({ time: at(tomorrow) });
        await world.sql('update posts set status = $2 where id = $1', [id, status]);
        const isHolding = !['failed', 'cancelled'].includes(status);
        assert.deepEqual(await codes(at(tomorrow)), isHolding ? ['close_to_other_post'] : []);
      });

    it('that has been posted count its time of posting', async () => {
      const { id } = await post({ time: at(tomorrow) });
      await world.sql(`update posts set status = 'posted', posted_at = $2 where id = $1`, [
        id,
        later(5 * HOUR_MS),
      ]);
      assert.deepEqual(await codes(at(tomorrow)), []);
      assert.deepEqual(await codes(at(later(5 * HOUR_MS + 1))), ['close_to_other_post']);
    });
  });

  describe('in lists', () => {
    it('are newest first and found by what is asked for', async () => {
      const owner = await makeOwner(db);
      const [first = '', second = ''] = [await makeVideo(db, owner), await makeVideo(db, owner)];
      const one = await makeAccount(db, owner, { userLabel: 'anna' });
      const two = await makeAccount(db, owner);
      const add = async (accountId: string, videoId: string, dueAt: Date, status = 'scheduled') => {
        const { id } = await accept(
          db,
          newPost({ userId: owner, accountId, videoId }, { time: at(dueAt), title: uniqueName() }),
        );
        await world.sql('update posts set status = $2 where id = $1', [id, status]);
        return id;
      };
      const ids = [
        await add(one, first, later(0)),
        await add(one, second, later(HOUR_MS), 'unknown'),
        await add(two, first, later(2 * HOUR_MS), 'posted'),
        await add(two, second, later(3 * HOUR_MS), 'publishing'),
        await add(two, second, later(4 * HOUR_MS), 'failed'),
      ];
      const found = async (filter: Parameters<Db['posts']['list']>[1], page = { limit: 20 }) =>
        (await db.posts.list(owner, filter, page)).map(({ id }) => ids.indexOf(id));
      assert.deepEqual(await found({}), [4, 3, 2, 1, 0]);
      assert.deepEqual(await found({ status: 'posted' }), [2]);
      assert.deepEqual(await found({ status: 'pending' }), [3, 1, 0]);
      assert.deepEqual(await found({ accountId: one }), [1, 0]);
      assert.deepEqual(await found({ videoId: second }), [4, 3, 1]);
      assert.deepEqual(await found({ userLabel: 'anna' }), [1, 0]);
      assert.deepEqual(await found({ dueFrom: later(HOUR_MS), dueBefore: later(3 * HOUR_MS) }), [2, 1]);
      assert.deepEqual(await found({ status: 'pending', videoId: second, accountId: two }), [3]);
      assert.deepEqual(await found({}, { limit: 1 }), [4, 3]);
      const page = { limit: 1, beforeId: ids[3] ?? '' };
      assert.deepEqual(await found({}, page), [2, 1]);
      const [newest] = await db.posts.list(owner, {}, { limit: 1 });
      assert.ok(newest);
      assert.deepEqual(platformsOf(newest), ['tiktok', 'youtube']);
      assert.deepEqual(await db.posts.list(userId, { accountId: one }, { limit: 20 }), []);
      assert.equal(await db.posts.find(userId, ids[0] ?? ''), null);
    });
  });
});
