import assert from 'node:assert/strict';
import type { Db, Queries } from '../../src/db/index.ts';
import {
  AccountMissingError,
  AccountPausedError,
  PostsUnfinishedError,
  TooLateError,
  VideoMissingError,
  VideoNotUsableError,
} from '../../src/db/postRefusals.ts';
import type { NewPost } from '../../src/db/posts.ts';
import { type Meanwhile, meanwhileIn } from '../support/meanwhile.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';
import { waitFor } from '../support/stack.ts';

const HOUR_MS = 3600_000;
const AUTO = { timing: 'auto' } as const;

describe('what two do with posts at once', () => {
  let world: PostWorld;
  let db: Db;
  let userId: string;
  let videoId: string;
  let accountId: string;

  before(async () => {
    world = await makePostWorld();
    db = world.db;
    userId = await makeOwner(db);
  });
  after(() => world?.close());
  beforeEach(async () => {
    videoId = await makeVideo(db, userId);
    accountId = await makeAccount(db, userId);
  });

  const wanted = (columns: Partial<NewPost> = {}) => newPost({ userId, accountId, videoId }, columns);
  const post = async (columns?: Partial<NewPost>) => (await accept(db, wanted(columns))).id;
  const find = async (id: string) => {
    const row = await db.posts.find(userId, id);
    assert.ok(row);
    return row;
  };

  const meanwhile: Meanwhile = (first, second) => meanwhileIn(world, first, second);
  const assertRefused = (
    outcome: PromiseSettledResult<unknown>,
    Refusal: new (...args: never[]) => Error,
  ) => {
    assert.equal(outcome.status, 'rejected', JSON.stringify(outcome));
    assert.ok(outcome.reason instanceof Refusal, String(outcome.reason));
  };
  const assertDone = <Value>(outcome: PromiseSettledResult<Value>): Value => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  };
  const removeAccount = (queries: Queries, isForced: boolean) =>
    queries.accounts.remove(userId, accountId, { isForced, limits: SLOTS });

  describe('a post is accepted, and', () => {
    it('its video is deleted: it is seen', async () => {
      const { first, second } = await meanwhile(
        ({ posts }) => posts.accept(wanted(), SLOTS),
        () => db.videos.requestDelete(userId, videoId),
      );
      assertRefused(second, PostsUnfinishedError);
      assert.equal((await find(first.id)).status, 'scheduled');
      assert.ok(await db.videos.find(userId, videoId));
    });

    it('its video is deleted with its posts: it goes along', async () => {
      const { first, second } = await meanwhile(
        ({ posts }) => posts.accept(wanted(), SLOTS),
        () => db.videos.requestDelete(userId, videoId, true),
      );
      assert.equal(assertDone(second), true);
      assert.equal((await find(first.id)).status, 'cancelled');
    });

    it('its account is removed: it is seen, or goes along', async () => {
      for (const isForced of [false, true]) {
        const { first, second } = await meanwhile(
          ({ posts }) => posts.accept(wanted(), SLOTS),
          () => removeAccount(db, isForced),
        );
        if (isForced) assert.equal(assertDone(second), true);
        else assertRefused(second, PostsUnfinishedError);
        assert.equal((await find(first.id)).status, isForced ? 'cancelled' : 'scheduled');
      }
    });
  });

  describe('a post is asked for while', () => {
    it('its video is being deleted', async () => {
      const { second } = await meanwhile(
        ({ videos }) => videos.requestDelete(userId, videoId),
        () => post(),
      );
      assertRefused(second, VideoMissingError);
    });

    it('its video is being cancelled', async () => {
      const { second } = await meanwhile(
        ({ videos }) => videos.requestCancel(userId, videoId),
        () => post(),
      );
      assertRefused(second, VideoNotUsableError);
    });

    it('its account is being paused', async () => {
      const { second } = await meanwhile(
        ({ accounts }) => accounts.change(userId, accountId, { isPaused: true }, SLOTS),
        () => post(),
      );
      assertRefused(second, AccountPausedError);
    });

    it('its account is being removed', async () => {
      const { second } = await meanwhile(
        (queries) => removeAccount(queries, false),
        () => post(),
      );
      assertRefused(second, AccountMissingError);
    });

    it('the times of its account are changed: the new ones count', async () => {
      const { second } = await meanwhile(
        ({ accounts }) => accounts.change(userId, accountId, { startMinute: 17, endMinute: 17 }, SLOTS),
        () => post({ time: AUTO }),
      );
      const { slotAt } = await find(assertDone(second));
      assert.deepEqual([slotAt?.getUTCHours(), slotAt?.getUTCMinutes()], [0, 17]);
    });

    it('another one is: it gets another slot', async () => {
      const { first, second } = await meanwhile(
        ({ posts }) => posts.accept(wanted({ time: AUTO }), SLOTS),
        () => post({ time: AUTO }),
      );
      const [one, two] = [first, await find(assertDone(second))];
      assert.equal((two.slotAt?.getTime() ?? 0) - (one.slotAt?.getTime() ?? 0), HOUR_MS);
    });

    it('another one is given its time by hand: that counts', async () => {
      const free = (await accept(db, wanted({ time: AUTO }))).dueAt;
      const next = new Date(free.getTime() + HOUR_MS);
      const { second } = await meanwhile(
        ({ posts }) => posts.accept(wanted({ time: { timing: 'at', dueAt: next } }), SLOTS),
        () => post({ time: AUTO }),
      );
      assert.equal((await find(assertDone(second))).dueAt.getTime(), next.getTime() + HOUR_MS);
    });
  });

  describe('a post is', () => {
    const rename = (queries: Queries, id: string) =>
      queries.posts.change(userId, id, { title: 'Another' }, SLOTS);

    it('cancelled while it is to be changed: that comes too late', async () => {
      const id = await post();
      const { second } = await meanwhile(
        ({ posts }) => posts.cancel(userId, id),
        () => rename(db, id),
      );
      assertRefused(second, TooLateError);
      assert.equal((await find(id)).title, 'A title');
    });

    it('changed while it is to be cancelled: it is both', async () => {
      const id = await post();
      const { second } = await meanwhile(
        (queries) => rename(queries, id),
        () => db.posts.cancel(userId, id),
      );
      assert.equal(assertDone(second)?.title, 'Another');
      assert.equal((await find(id)).status, 'cancelled');
      const events = await world.sql(
        `select type, data->>'title' as title from events where object_id = $1 and object_type = 'post' order by sequence`,
        [id],
      );
      assert.deepEqual(
        events.map(({ type, title }) => [type, title]),
        [
          ['post.scheduled', 'A title'],
          ['post.updated', 'Another'],
          ['post.cancelled', 'Another'],
        ],
      );
    });

    it('cancelled twice: it is told once', async () => {
      const id = await post();
      const { second } = await meanwhile(
        ({ posts }) => posts.cancel(userId, id),
        () => db.posts.cancel(userId, id),
      );
      assert.equal(assertDone(second)?.status, 'cancelled');
      const told = await world.sql(`select from events where object_id = $1 and type = 'post.cancelled'`, [
        id,
      ]);
      assert.equal(told.length, 1);
    });

    it('given another time while its account is to be removed with its posts', async () => {
      const id = await post();
      const { second } = await meanwhile(
        ({ posts }) => posts.change(userId, id, { time: AUTO }, SLOTS),
        () => removeAccount(db, true),
      );
      assert.equal(assertDone(second), true);
      assert.equal((await find(id)).status, 'cancelled');
    });
  });

  it('wait for each other and never in a circle: posts of the same accounts, named in opposite orders', async () => {
    const accountIds = [accountId, ...(await Promise.all([1, 2, 3].map(() => makeAccount(db, userId))))];
    const acceptAll = (ids: readonly string[]) =>
      db.transaction(({ posts }) =>
        posts.acceptAll(
          ids.map((id) => wanted({ accountId: id, time: AUTO })),
          SLOTS,
        ),
      );
    const orders = [accountIds, accountIds.toReversed()];
    await Promise.all(Array.from({ length: 8 }, (_, at) => acceptAll(orders[at % 2] ?? [])));
    const slots = await world.sql('select slot_at from posts where account_id = any($1)', [accountIds]);
    assert.equal(slots.length, 8 * accountIds.length);
  });

  it('hold accounts in the order of their ids, whatever the order is that they are named in', async () => {
    const others = await Promise.all(Array.from({ length: 5 }, () => makeAccount(db, userId)));
    const [first = '', ...rest] = [accountId, ...others].sort();
    const free = async () =>
      (await world.sql('select id from accounts where id = any($1) for no key update skip locked', [rest]))
        .length;
    // Who waits for the first one holds none of the rest yet.
    await world.sql('begin');
    await world.sql('select from accounts where id = $1 for no key update', [first]);
    const named = [...rest, first].map((id) => wanted({ accountId: id, time: AUTO }));
    const accepted = db.transaction(({ posts }) => posts.acceptAll(named, SLOTS));
    await waitFor(world.isAnyoneWaiting, { what: 'somebody who waits for the account', everyMs: 5 });
    assert.equal(await free(), rest.length);
    await world.sql('commit');
    assert.equal((await accepted).length, named.length);
  });

  it('leave each its own slot: two that are moved to the next free one', async () => {
    const [one, two] = [await post(), await post()];
    const move = (queries: Queries, id: string) => queries.posts.change(userId, id, { time: AUTO }, SLOTS);
    // What went out at once holds its time.
    await world.sql(`update posts set due_at = due_at + interval '40 days' where account_id = $1`, [
      accountId,
    ]);
    const { first, second } = await meanwhile(
      (queries) => move(queries, one),
      () => move(db, two),
    );
    const [before, after] = [first?.slotAt, assertDone(second)?.slotAt];
    assert.equal((after?.getTime() ?? 0) - (before?.getTime() ?? 0), HOUR_MS);
  });
});
