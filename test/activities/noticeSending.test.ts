import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import pg from 'pg';
import { createHints, readLinkCodes } from '../../activities/linkCodes.ts';
import { createNewsBell } from '../../activities/newsBell.ts';
import { sendDue } from '../../activities/noticeSending.ts';
import { createNoticeActivities } from '../../activities/notices.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { BOT_ERRORS } from '../../src/domain/telegram.ts';
import { createLog } from '../../src/log.ts';
import { createTelegramBot, type TelegramBot } from '../../src/notifiers/telegram/index.ts';
import { type FakeTelegram, startFakeTelegram } from '../support/fakes/telegram.ts';
import { floodWait, TELEGRAM_TROUBLE } from '../support/fakes/telegramTrouble.ts';
import { type TestDatabase, testDatabase, uniqueName, waitFor } from '../support/stack.ts';

const BOT = '424242';

describe('sending what is due', () => {
  let database: TestDatabase;
  let db: Db;
  let pool: pg.Pool;
  let fake: FakeTelegram;
  let telegram: TelegramBot;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    pool = new pg.Pool({ connectionString: database.url, max: 2 });
  });

  beforeEach(async () => {
    fake = await startFakeTelegram();
    telegram = makeBot();
    await pool.query('delete from telegram_bots');
    await pool.query('delete from users');
    await db.telegramBots.ensure(BOT);
  });

  /** Another one knows nothing of what was sent just now, and need not keep to its pace. */
  const makeBot = (): TelegramBot => {
    const config = { TELEGRAM_BASE_URL: fake.botApiUrl, TELEGRAM_BOT_TOKEN: fake.token };
    return createTelegramBot({ config }) ?? assert.fail();
  };

  afterEach(() => fake.close());

  after(async () => {
    await pool.end();
    await db.close();
    await database.drop();
  });

  const log = createLog({ level: 'silent', program: 'test' });
  const { signal } = new AbortController();
  const send = (parts: Partial<Parameters<typeof sendDue>[0]> = {}) =>
    sendDue({ db, telegram, log, signal, ...parts });
  const bot = async () => (await db.telegramBots.find(BOT)) ?? assert.fail();
  const notices = async () => (await pool.query('select * from telegram_notices order by id')).rows;
  let chats = 0;

  /** Users of whom each has one thing to be told. */
  async function addNews(count = 1): Promise<string[]> {
    const users = Array.from({ length: count }, () => ({ id: newId(), chat: String(++chats) }));
    for (const { id, chat } of users) {
      await pool.query(
        `insert into users (id, username, password_hash, scopes, time_zone, telegram_chat, notices, created_at)
         values ($1, $2, 'none', '{}', 'UTC', $3, '{}', now())`,
        [id, uniqueName('user'), chat],
      );
      await pool.query(
        `insert into events (id, user_id, type, object_type, object_id, video_id, data, created_at)
         values ($1, $2, 'video.ready', 'video', $1, $1, '{"status":"ready","title":"a"}', now())`,
        [newId(), id],
      );
    }
    return users.map(({ chat }) => chat);
  }

  /** Something more to be told to the only user. */
  const tellMore = () =>
    pool.query(
      `insert into events (id, user_id, type, object_type, object_id, video_id, data, created_at)
       select $1, id, 'video.ready', 'video', $1, $1, '{"status":"ready","title":"a"}', now() from users`,
      [newId()],
    );

  /** A database that does something else when one thing of notices is asked of it. */
  const dbWith = (change: Partial<Db['telegramNotices']>): Db =>
    new Proxy(db, {
      get: (target, noun: keyof Db) =>
        noun === 'telegramNotices'
          ? new Proxy(target[noun], {
              get: (queries, name) => {
                const of = name as keyof Db['telegramNotices'];
                return change[of] ?? queries[of].bind(queries);
              },
            })
          : target[noun],
    });
  const outage = () => Promise.reject(new Error('The database is away'));

  it('waits for what is on its way also when the database fails, so that it is not sent again', async () => {
    const [chat = ''] = await addNews();
    fake.behaveBy(() => ({ kind: 'slow', ms: 600 }));
    let asked = 0;
    const takeNews: Db['telegramNotices']['takeNews'] = (...of) =>
      ++asked === 2 ? outage() : db.telegramNotices.takeNews(...of);
    await assert.rejects(send({ db: dbWith({ takeNews }) }), /is away/);
    assert.equal(asked, 2);
    // It may be repeated by another worker, at once.
    telegram = makeBot();
    await send();
    assert.deepEqual([fake.requests.length, fake.world.shownIn(chat).length], [1, 1]);
  });

  it('insists on writing down what it has sent', async () => {
    await addNews();
    let asked = 0;
    const noteSent: Db['telegramNotices']['noteSent'] = (...of) =>
      ++asked === 1 ? outage() : db.telegramNotices.noteSent(...of);
    assert.deepEqual(await send({ db: dbWith({ noteSent }) }), { pauseMs: 0, nextInMs: null });
    assert.deepEqual([asked, fake.requests.length], [2, 1]);
    assert.deepEqual(
      (await notices()).map((notice) => notice.next_attempt_at),
      [null],
    );
  });

  it('stops when another worker is told to wait', async () => {
    const [chat = ''] = await addNews();
    // The pace of the chat keeps it at work for some seconds.
    for (let count = 0; count < 4; count++) await tellMore();
    const work = send();
    await waitFor(() => fake.world.shownIn(chat).length, { what: 'the first' });
    await db.telegramBots.block(BOT, new Date(Date.now() + 60_000));
    const { pauseMs } = await work;
    assert.ok(pauseMs > 50_000, String(pauseMs));
    const sent = fake.requests.length;
    assert.ok(sent < 5 && (await send()).pauseMs > 50_000);
    assert.equal(fake.requests.length, sent);
  });

  for (const method of ['getUpdates', 'sendMessage'])
    it(`writes to nobody, and reads nothing, while a ${method} of the reading is answered with a wait`, async () => {
      // Fewer than its own pace would keep back.
      const many = await addNews(28);
      const [code, userId] = ['c'.repeat(32), (await pool.query('select id from users')).rows[0].id];
      const expiresAt = new Date(Date.now() + 60_000);
      await db.telegramLinks.insert({ userId, bot: BOT, code, expiresAt });
      const reading = new AbortController();
      // The reply, or the next reading, of somebody who writes while notices go out.
      const isOfReading = (path: string, chat: string | undefined) =>
        path.endsWith(`/${method}`) && (method === 'getUpdates' || chat === '999999');
      let floods = 0;
      fake.behaveBy(({ path, json }) =>
        isOfReading(path, (json as { chat_id?: string }).chat_id) && ++floods === 1
          ? floodWait(0.5)
          : { kind: 'slow', ms: 100 },
      );
      if (method === 'sendMessage') fake.world.write(999999, 'hello');
      const work = send();
      await waitFor(() => fake.requests.length > 5, { what: 'the sending' });
      const hints = createHints();
      const end = await readLinkCodes({ db, telegram, log, signal: reading.signal, hints });
      assert.deepEqual(end, { pauseMs: 500, hasOpenLinks: true });
      let { pauseMs } = await work;
      assert.ok(pauseMs > 0 && pauseMs <= 500, String(pauseMs));
      for (; pauseMs > 0; { pauseMs } = await send()) await delay(pauseMs);
      const { endedAt } = fake.requests.find(({ status }) => status === 429) ?? assert.fail();
      const silence = fake.requests.filter(
        ({ receivedAt }) => receivedAt > (endedAt ?? 0) + 150 && receivedAt < (endedAt ?? 0) + 450,
      );
      assert.equal(silence.length, 0);
      assert.ok(many.every((chat) => fake.world.shownIn(chat).length === 1));
    });

  it('says that its token is not taken, stops for a while, and takes it back once it is', async () => {
    await addNews(3);
    fake.behaveBy(() => TELEGRAM_TROUBLE.bot_unauthorized);
    assert.equal((await send()).pauseMs, 60_000);
    assert.equal((await bot()).errorCode, BOT_ERRORS.unauthorized);
    fake.reset();
    telegram = makeBot();
    await send();
    assert.equal((await bot()).errorCode, null);
    assert.equal(fake.requests.length, 3);
  });

  it('asks nobody for a while after five in a row without an answer', async () => {
    await addNews(40);
    fake.behaveBy(() => TELEGRAM_TROUBLE.bot_server_error);
    assert.equal((await send()).pauseMs, 10_000);
    assert.ok(fake.requests.length >= 5 && fake.requests.length < 20, String(fake.requests.length));
    fake.reset();
    telegram = makeBot();
    // What is between them makes it no row.
    fake.behaveBy(({ index }) => (index % 3 ? undefined : TELEGRAM_TROUBLE.two_pollers));
    assert.equal((await send()).pauseMs, 0);
    assert.equal((await bot()).errorCode, null);
  });

  it('gives up after a day, and says why', async () => {
    const [chat = ''] = await addNews();
    await db.telegramNotices.takeNews(BOT);
    await pool.query('update telegram_notices set attempts = 148');
    fake.behaveBy(() => TELEGRAM_TROUBLE.bot_server_error);
    const later = (await send()).nextInMs ?? 0;
    assert.ok(later > 590_000, String(later));
    await pool.query('update telegram_notices set next_attempt_at = now()');
    telegram = makeBot();
    assert.deepEqual(await send(), { pauseMs: 0, nextInMs: null });
    const [notice] = await notices();
    assert.deepEqual([notice.error_code, notice.attempts], [BOT_ERRORS.unavailable, 0]);
    assert.equal(fake.world.shownIn(chat).length, 0);
  });

  it('takes for sent what was, also where the answer does not say as what', async () => {
    await addNews();
    fake.behave({ kind: 'answer', status: 200, body: { ok: true, result: true } });
    assert.deepEqual(await send(), { pauseMs: 0, nextInMs: null });
    const [notice] = await notices();
    assert.deepEqual([notice.message_id, notice.sent_event_id], [null, notice.event_id]);
  });

  it('goes away until a group may be written to again, and comes back for others before', async () => {
    const [group = '', other = ''] = await addNews(2);
    await db.telegramNotices.takeNews(BOT);
    const pace = { ...telegram.pace, busyChats: () => [group], freeAt: () => Date.now() + 40_000 };
    const begun = Date.now();
    const { nextInMs } = await send({ telegram: { ...telegram, pace } });
    assert.ok(Date.now() - begun < 3000 && (nextInMs ?? 0) > 38_000 && (nextInMs ?? 0) <= 40_000);
    assert.deepEqual(
      [group, other].map((chat) => fake.world.shownIn(chat).length),
      [0, 1],
    );
  });

  it('is not for a worker with another bot’s token, and waits as the question for the name is told to', async () => {
    const activities = createNoticeActivities({ db, telegramBot: telegram, bell: createNewsBell(), log });
    const run = (of: string) =>
      new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activities.sendDueNotices, {
        bot: of,
      }) as Promise<unknown>;
    await assert.rejects(run('7'), { code: 'no_telegram_bot', retryClass: 'blocked' });
    fake.behave(floodWait(8));
    const { pauseMs } = (await run(BOT)) as { pauseMs: number };
    assert.ok(pauseMs > 7000 && pauseMs <= 8000);
    assert.deepEqual(
      fake.requests.map(({ path }) => path.split('/').at(-1)),
      ['getMe'],
    );
  });
});
