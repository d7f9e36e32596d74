import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Slots of which none comes too near while a test runs. */
function hourly() {
  const startMinute = Math.floor(Date.now() / MINUTE_MS + 35) % 60;
  return { startMinute, endMinute: startMinute + 23 * 60 };
}

describe('times of accounts', () => {
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
    accountId = await makeAccount(db, userId, hourly());
  });

  const next = async (count: number) => {
    const account = await db.accounts.find(userId, accountId);
    assert.ok(account);
    return (await db.slots.preview(account, { count }, SLOTS)).slots.map(({ atMs }) => atMs);
  };
  const times = async () => {
    const account = await db.accounts.find(userId, accountId);
    assert.ok(account);
    return (await db.accounts.loadTimes([account], SLOTS)).get(accountId);
  };
  const insertPost = (dueMs: number, status = 'scheduled') =>
    world.sql(
      `insert into posts (id, user_id, account_id, video_id, title, params, status, timing, due_at, time_zone, warnings,
         created_at, updated_at)
       values ($1, $2, $3, $4, 'a', '{}', $5, 'at', $6, 'UTC', '[]', now(), now())`,
      [newId(), userId, accountId, videoId, status, new Date(dueMs)],
    );

  it('are the next one where nothing is planned, and nothing where it does not post by itself', async () => {
    const [first = 0] = await next(1);
    assert.deepEqual(await times(), { scheduled: [], next: new Date(first), last: null });
    await world.sql('update accounts set is_autoposting = false where id = $1', [accountId]);
    assert.deepEqual(await times(), { scheduled: [], next: null, last: null });
    // What it would have is shown all the same.
    assert.deepEqual(await next(1), [first]);
  });

  for (const change of ['is_paused = true', 'needs_reauth = true', `time_zone = 'Europe/Atlantis'`])
    it(`are only those of posts where nothing else could go out: ${change}`, async () => {
      await world.sql(`update accounts set ${change} where id = $1`, [accountId]);
      assert.deepEqual(await times(), { scheduled: [], next: null, last: null });
      const dueAt = new Date(Date.now() + DAY_MS);
      await insertPost(dueAt.getTime());
      assert.deepEqual(await times(), { scheduled: [dueAt], next: dueAt, last: null });
    });

  it('are none, and no trouble for others, where no clock is known', async () => {
    await world.sql(`update accounts set time_zone = 'Europe/Atlantis' where id = $1`, [accountId]);
    assert.deepEqual(await next(1), []);
    const other = await makeAccount(db, userId, hourly());
    const wanted = [accountId, other].map((id) =>
      newPost({ userId, accountId: id, videoId }, { time: { timing: 'auto' } }),
    );
    const acceptances = await db.transaction(({ posts }) => posts.acceptAll(wanted, SLOTS));
    assert.deepEqual(
      acceptances.map((one) => ('post' in one ? 'accepted' : one.refusal.code)),
      ['no_slot', 'accepted'],
    );
  });

  it('are a hundred of the posts still ahead, the oldest first', async () => {
    const [first = 0] = await next(1);
    const dueMs = Array.from({ length: 103 }, (_, at) => first + (102 - at) * MINUTE_MS);
    for (const atMs of dueMs) await insertPost(atMs);
    await insertPost(Date.now() - HOUR_MS);
    await insertPost(first - MINUTE_MS, 'cancelled');
    const { id } = await accept(
      db,
      newPost({ userId, accountId, videoId }, { time: { timing: 'at', dueAt: new Date(first) } }),
    );
    const lastAt = new Date(Date.now() - DAY_MS);
    await world.sql(`update posts set status = 'posted', posted_at = $2 where id = $1`, [id, lastAt]);
    const ahead = dueMs.toSorted().slice(0, 100);
    assert.deepEqual(await times(), {
      scheduled: ahead.map((atMs) => new Date(atMs)),
      next: new Date(first),
      last: lastAt,
    });
  });

  it('are each one’s own, of many at once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, at) => makeAccount(db, userId, { startMinute: at, endMinute: at })),
    );
    const accounts = await Promise.all(ids.map((id) => db.accounts.find(userId, id)));
    const found = await db.accounts.loadTimes(
      accounts.flatMap((account) => account ?? []),
      SLOTS,
    );
    assert.deepEqual(
      ids.map((id) => ((found.get(id)?.next?.getTime() ?? 0) % DAY_MS) / MINUTE_MS),
      [...Array(30).keys()],
    );
  });
});
