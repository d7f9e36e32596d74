import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import type { WantedTime } from '../../src/db/posts.ts';
import { toLocalTime } from '../../src/domain/timeZone.ts';
import { toPostView } from '../../src/views/posts.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';

const BERLIN = 'Europe/Berlin';
const dueAt = new Date(Date.now() + 24 * 3600_000);
const YEAR = { leadSec: 300, horizonDays: 365 };

describe('wall times of posts', () => {
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
    accountId = await makeAccount(db, userId, { timeZone: BERLIN });
  });

  const wanted = (time: WantedTime) => newPost({ userId, accountId, videoId }, { time });
  const kept = async (id: string) => {
    const [row] = await world.sql('select wall_time, tz_version from posts where id = $1', [id]);
    return [row.wall_time, row.tz_version];
  };

  it('are kept with what they were worked out by, of times that were local, and of slots', async () => {
    const tz = process.versions.tz;
    const { id } = await accept(db, wanted({ timing: 'at', dueAt, wallTime: '2027-01-01T10:00:30' }));
    assert.deepEqual(await kept(id), ['2027-01-01T10:00:30', tz]);
    const move = (time: WantedTime) => db.posts.change(userId, id, { time }, SLOTS);
    await world.sql(`update posts set tz_version = 'older' where id = $1`, [id]);
    await db.posts.change(userId, id, { title: 'Another' }, SLOTS);
    assert.deepEqual(await kept(id), ['2027-01-01T10:00:30', 'older']);
    const slot = await move({ timing: 'auto' });
    assert.deepEqual(await kept(id), [slot && toLocalTime(slot.dueAt, BERLIN), tz]);
    await move({ timing: 'at', dueAt });
    assert.deepEqual(await kept(id), [null, tz]);
    await move({ timing: 'now' });
    assert.deepEqual(await kept(id), [null, tz]);
  });

  it('are those of the window where clocks skip them, and what clocks show is shown', async () => {
    const columns = { startMinute: 150, endMinute: 150, intervalMinutes: 60, days: ['sun' as const] };
    accountId = await makeAccount(db, userId, { ...columns, timeZone: BERLIN });
    const account = await db.accounts.find(userId, accountId);
    assert.ok(account);
    const { slots } = await db.slots.preview(account, { count: 53 }, YEAR);
    const moved = slots.findIndex(({ movedFrom }) => movedFrom !== null);
    assert.ok(moved >= 0);
    for (const { atMs } of slots.slice(0, moved))
      await world.sql(
        `insert into posts (id, user_id, account_id, video_id, title, params, status, timing, due_at, time_zone, warnings,
           created_at, updated_at)
         values ($1, $2, $3, $4, 'a', '{}', 'scheduled', 'at', $5, 'UTC', '[]', now(), now())`,
        [newId(), userId, accountId, videoId, new Date(atMs)],
      );
    const post = await db.transaction(({ posts }) => posts.accept(wanted({ timing: 'auto' }), YEAR));
    const { wallTime, dueAt } = post;
    const shown = toPostView(post).local_time;
    assert.equal(dueAt.getTime(), slots[moved]?.atMs);
    assert.deepEqual([wallTime?.slice(10), shown?.slice(10)], ['T02:30', 'T03:30']);
    assert.equal(wallTime?.slice(0, 10), shown?.slice(0, 10));
  });

  it('change the post with them, also where it goes out at the same instant', async () => {
    const { id } = await accept(db, wanted({ timing: 'at', dueAt, wallTime: '2027-01-01T10:00:30' }));
    const updates = async () =>
      (await world.sql(`select from events where object_id = $1 and type = 'post.updated'`, [id])).length;
    const move = (time: WantedTime) => db.posts.change(userId, id, { time }, SLOTS);
    await move({ timing: 'at', dueAt, wallTime: '2027-01-01T10:00:30' });
    assert.equal(await updates(), 0);
    await move({ timing: 'at', dueAt });
    assert.equal(await updates(), 1);
    await world.sql(`update posts set tz_version = 'older' where id = $1`, [id]);
    await move({ timing: 'at', dueAt });
    assert.equal(await updates(), 2);
  });

  it('are shown of no zone that is not known any more', async () => {
    const { id } = await accept(db, wanted({ timing: 'at', dueAt }));
    await world.sql(`update posts set time_zone = 'Europe/Atlantis' where id = $1`, [id]);
    const post = await db.posts.find(userId, id);
    assert.ok(post);
    assert.equal(toPostView(post).local_time, null);
  });
});
