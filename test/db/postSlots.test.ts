import assert from 'node:assert/strict';
import type { Db, Queries } from '../../src/db/index.ts';
import { VideoflowError } from '../../src/errors.ts';
import { accept, makeAccount, makeOwner, makeVideo, newPost, SLOTS } from '../support/posting.ts';
import { makePostWorld, type PostWorld } from '../support/postWorld.ts';
import { sample } from '../support/sample.ts';
import { type Random, seed, seededRandom } from '../support/stack.ts';

const CONNECTIONS = 10;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const AUTO = { timing: 'auto' } as const;
/** What others do meanwhile explains it. */
const EXPECTED = ['too_late'];

/**
 * Whatever happens around it: a post that is given a slot by the account's own rule keeps the distance of that rule, as it is
 * then, from all that hold their time then. The database looks itself, at each slot that it gets, past everything of ours.
 */
const LOOK = `
  create table broken (said text not null);
  create function look() returns trigger language plpgsql as $$ begin
    insert into broken
      select format('%s beside %s of %s, %s minutes', new.due_at, p.due_at, p.timing, a.interval_minutes)
      from posts p join accounts a on a.id = p.account_id
      where p.account_id = new.account_id and p.id <> new.id and p.status not in ('failed', 'cancelled')
        and p.due_at > new.due_at - a.interval_minutes * interval '1 minute'
        and p.due_at < new.due_at + a.interval_minutes * interval '1 minute';
    return null; end $$;
  create trigger look_new after insert on posts for each row when (new.timing = 'auto') execute function look();
  create trigger look_moved after update on posts for each row
    when (new.timing = 'auto' and new.due_at is distinct from old.due_at) execute function look();`;

/** The shortest distance that an account ever has here. */
const SHORTEST = 30;

describe('slots, while much else happens to posts and accounts', () => {
  let world: PostWorld;
  let db: Db;

  before(async () => {
    world = await makePostWorld(CONNECTIONS);
    db = world.db;
    await world.sql(LOOK);
  });
  after(() => world?.close());

  const campaign = Array.from({ length: 20 }, (_, at) => seed() * 100 + at);
  for (const chosen of sample('slots', campaign, 1))
    it(`are another for each post, and as far apart as the account has it (${chosen})`, async () => {
      const random = seededRandom('slots', chosen);
      const userId = await makeOwner(db);
      const videoId = await makeVideo(db, userId);
      const accountIds = [
        await makeAccount(db, userId, rule(random)),
        await makeAccount(db, userId, rule(random)),
      ];
      const ids: string[] = [];
      const known = async (id: Promise<string>) => void ids.push(await id);
      const act = (): Promise<unknown> => {
        const accountId = random.pick(accountIds);
        const wanted = newPost({ userId, accountId, videoId });
        const time = random.int(0, 3) ? AUTO : ({ timing: 'at', dueAt: soon(random) } as const);
        const id = ids.length > 0 ? random.pick(ids) : '';
        const deeds = [
          () => known(accept(db, { ...wanted, time }).then((post) => post.id)),
          () => known(accept(db, { ...wanted, time }).then((post) => post.id)),
          () => known(accept(db, { ...wanted, time: AUTO }).then((post) => post.id)),
          () => (id ? db.posts.change(userId, id, { time }, SLOTS) : Promise.resolve()),
          () => (id ? db.posts.cancel(userId, id) : Promise.resolve()),
          () => db.accounts.change(userId, accountId, rule(random), SLOTS),
          () => db.transaction((queries) => acceptForAll(queries, { userId, accountIds, videoId })),
        ];
        return random.pick(deeds)();
      };
      const outcomes: PromiseSettledResult<unknown>[] = [];
      for (let round = 0; round < 6; round++)
        outcomes.push(...(await Promise.allSettled(Array.from({ length: 15 }, act))));
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      assert.deepEqual(
        refused.filter((error) => !(error instanceof VideoflowError && EXPECTED.includes(error.code))),
        [],
      );
      assert.deepEqual(await world.sql('select said from broken'), []);
      for (const accountId of accountIds) await assertApart(accountId);
    });

  /** What two gave at the same moment, neither could see. */
  async function assertApart(accountId: string): Promise<void> {
    const rows = await world.sql(
      `select due_at as at, slot_at from posts where account_id = $1 and timing = 'auto' and status = 'scheduled' order by due_at`,
      [accountId],
    );
    assert.ok(rows.length > 5, `${rows.length} are a poor test`);
    for (const [at, { at: time, slot_at: slot }] of rows.entries()) {
      assert.deepEqual(slot, time);
      const previous = rows[at - 1];
      if (previous) assert.ok(time - previous.at >= SHORTEST * MINUTE_MS, `${previous.at} and ${time}`);
    }
  }
});

/** A rule of an account: when, how far apart, where. */
function rule(random: Random) {
  return {
    startMinute: random.int(0, 23) * 60,
    endMinute: random.int(0, 23) * 60,
    intervalMinutes: random.pick([SHORTEST, 45, 60, 90]),
    timeZone: random.pick(['UTC', 'Europe/Berlin', 'Asia/Kathmandu']),
  };
}

const soon = (random: Random): Date => new Date(Date.now() + random.int(10 * MINUTE_MS, 3 * DAY_MS));

const acceptForAll = (
  { posts }: Queries,
  { userId, accountIds, videoId }: { userId: string; accountIds: readonly string[]; videoId: string },
) =>
  posts.acceptAll(
    accountIds.map((accountId) => newPost({ userId, accountId, videoId }, { time: AUTO })),
    SLOTS,
  );
