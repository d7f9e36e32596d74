import assert from 'node:assert/strict';
import pg from 'pg';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';

const BOT = '1';

describe('notices in the database', () => {
  let database: TestDatabase;
  let db: Db;
  let client: pg.Pool;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    client = new pg.Pool({ connectionString: database.url, max: 4 });
    await db.telegramBots.ensure(BOT);
  });

  after(async () => {
    await client.end();
    await db.close();
    await database.drop();
  });

  let chats = 0;
  const addUser = async () => {
    const row = { username: uniqueName('user'), passwordHash: 'none', name: null, scopes: [] };
    const { id } = await db.users.insert(row);
    const chat = String(++chats);
    await db.users.change(id, { telegramChat: chat });
    return { id, chat };
  };
  const tell = (userId: string, type: string, objectId: string) =>
    client.query(
      `insert into events (id, user_id, type, object_type, object_id, video_id, data, created_at)
       values ($1, $2, $3, 'video', $4, $4, '{"status":"ready"}', now())`,
      [newId(), userId, type, objectId],
    );
  const dueOf = async (chat: string) =>
    (await db.telegramNotices.listDue(BOT, { limit: 100, exceptChats: [] })).find(
      (notice) => notice.chat === chat,
    );
  const takeNews = () => db.telegramNotices.takeNews(BOT);
  const nextDueAt = async () => (await db.telegramNotices.nextDueAt(BOT)).atFree;

  it('tells the newest, and what happens while it is sent is due at once', async () => {
    const { id, chat } = await addUser();
    const videoId = newId();
    await tell(id, 'video.created', videoId);
    await tell(id, 'video.processing', videoId);
    assert.equal(await db.telegramNotices.hasNews(BOT), true);
    await takeNews();
    assert.equal(await db.telegramNotices.hasNews(BOT), false);
    const due = await dueOf(chat);
    assert.ok(due);
    assert.deepEqual([due.event?.type, due.messageId], ['video.processing', null]);
    await tell(id, 'video.ready', videoId);
    await takeNews();
    await db.telegramNotices.noteSent(due, 9);
    const next = await dueOf(chat);
    assert.deepEqual([next?.event?.type, next?.messageId], ['video.ready', 9]);
    if (next) await db.telegramNotices.noteSent(next, 9);
    assert.equal(await dueOf(chat), undefined);
    assert.equal(await nextDueAt(), null);
  });

  it('keeps the wait after trouble when there is news, and gives it up with the chat', async () => {
    const { id, chat } = await addUser();
    const videoId = newId();
    await tell(id, 'video.created', videoId);
    await takeNews();
    const due = await dueOf(chat);
    assert.ok(due);
    await db.telegramNotices.noteTrouble(due, 'telegram_unavailable', new Date(Date.now() + 60_000));
    await tell(id, 'video.ready', videoId);
    await takeNews();
    assert.equal(await dueOf(chat), undefined);
    assert.ok(await nextDueAt());
    await db.users.change(id, { telegramChat: 'other' });
    assert.equal(await nextDueAt(), null);
    await db.telegramNotices.noteTrouble(due, 'late', new Date());
    assert.equal(await dueOf(chat), undefined, 'what was ended stays so');
  });

  it('never lets what is older take the place of what is newer, however many look at once', async () => {
    const { id, chat } = await addUser();
    const videoId = newId();
    for (let round = 0; round < 25; round++) {
      const types = ['video.pending', 'video.processing', 'video.ready', 'video.failed'];
      await Promise.all(
        types.map((type) => tell(id, type, videoId).then(() => Promise.all([takeNews(), takeNews()]))),
      );
      // What was held by the others is found the next time.
      while (await db.telegramNotices.hasNews(BOT)) await takeNews();
      const newest = 'select id from events where user_id = $1 order by sequence desc limit 1';
      const { rows } = await client.query(newest, [id]);
      assert.equal((await dueOf(chat))?.eventId, rows[0].id, `round ${round}`);
    }
  });

  it('waits for nobody: who is held, or fails, is passed over, and all others are looked at', async () => {
    const [held, failing, other] = [await addUser(), await addUser(), await addUser()];
    const bad = newId();
    await client.query(`alter table telegram_notices add constraint bad check (object_id <> '${bad}')`);
    for (const { id } of [held, other]) await tell(id, 'video.ready', newId());
    await tell(failing.id, 'video.ready', bad);
    const holder = await client.connect();
    try {
      await holder.query('begin');
      await holder.query('select from users where id = $1 for update', [held.id]);
      const begun = Date.now();
      const { failures, lastUserId } = await takeNews();
      assert.ok(Date.now() - begun < 1000, 'nobody was waited for');
      assert.deepEqual([failures.map(({ userId }) => userId), lastUserId], [[failing.id], null]);
    } finally {
      await holder.query('commit');
      holder.release();
      await client.query('alter table telegram_notices drop constraint bad');
    }
    assert.deepEqual([Boolean(await dueOf(other.chat)), await dueOf(held.chat)], [true, undefined]);
    await takeNews();
    assert.ok((await dueOf(held.chat)) && (await dueOf(failing.chat)));
  });

  it('passes what is told of to nobody, page by page, and ends when it is asked to', async () => {
    const users = await Promise.all(Array.from({ length: 120 }, addUser));
    for (const { id } of users) await tell(id, 'step.running', newId());
    const stopped = await db.telegramNotices.takeNews(BOT, { signal: AbortSignal.abort() });
    assert.ok(stopped.lastUserId);
    let pages = 1;
    for (let after: string | null = stopped.lastUserId; after; pages++)
      after = (await db.telegramNotices.takeNews(BOT, { after })).lastUserId;
    assert.equal(pages, 3);
    assert.equal(await db.telegramNotices.hasNews(BOT), false);
    const { id, chat } = users[0] ?? assert.fail();
    await tell(id, 'video.ready', newId());
    await db.telegramNotices.takeNews(BOT, { signal: AbortSignal.abort() });
    assert.equal(await dueOf(chat), undefined);
    await takeNews();
    assert.ok(await dueOf(chat));
  });

  it('switches chats off and on while news are looked through, without a deadlock', async () => {
    const { id, chat } = await addUser();
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 30; round++) {
      work.push(tell(id, 'video.ready', newId()), takeNews());
      work.push(db.telegramChats.switchOff(BOT, chat, 'bot_blocked'));
      work.push(
        db.transaction(async ({ users }) => {
          await users.lock(id);
          await users.change(id, { telegramChat: chat });
        }),
      );
    }
    const ends = await Promise.allSettled(work);
    assert.deepEqual(
      ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : [])),
      [],
    );
  });

  it('tells nothing that happened before the bot was known', async () => {
    const { id, chat } = await addUser();
    const videoId = newId();
    await tell(id, 'video.ready', videoId);
    await client.query(`update telegram_bots set created_at = now() + interval '1 hour' where bot = $1`, [
      BOT,
    ]);
    await takeNews();
    assert.equal(await dueOf(chat), undefined);
    await client.query('update telegram_bots set created_at = now() where bot = $1', [BOT]);
    await tell(id, 'video.updated', videoId);
    await takeNews();
    assert.equal(await dueOf(chat), undefined, 'there is no message that this could change');
  });

  it('follows a moved chat, also where both were told of the same video', async () => {
    const { id, chat } = await addUser();
    const videoId = newId();
    await tell(id, 'video.processing', videoId);
    await takeNews();
    await db.users.change(id, { telegramChat: 'new' });
    await tell(id, 'video.ready', videoId);
    await takeNews();
    await db.telegramChats.move(BOT, chat, 'new');
    const { rows } = await client.query('select * from telegram_notices where object_id = $1', [videoId]);
    assert.deepEqual(
      rows.map((row) => row.chat),
      ['new'],
    );
    assert.ok(rows[0].next_attempt_at);
  });

  it('gives a chat to nobody else: notices of one user and chat are one for each object', async () => {
    const { id, chat } = await addUser();
    const videos = Array.from({ length: 5 }, newId);
    for (const videoId of videos) await tell(id, 'video.ready', videoId);
    await takeNews();
    const due = await db.telegramNotices.listDue(BOT, { limit: 10, exceptChats: [] });
    assert.equal(due.filter((notice) => notice.chat === chat).length, 1, 'one at a time');
    assert.equal(
      (await db.telegramNotices.listDue(BOT, { limit: 10, exceptChats: [chat] })).some(
        (n) => n.chat === chat,
      ),
      false,
    );
  });
});
