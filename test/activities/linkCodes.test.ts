import assert from 'node:assert/strict';
import pg from 'pg';
import { createHints, readLinkCodes } from '../../activities/linkCodes.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { BOT_ERRORS } from '../../src/domain/telegram.ts';
import { createLog } from '../../src/log.ts';
import { createTelegramBot, type TelegramBot } from '../../src/notifiers/telegram/index.ts';
import { type FakeTelegram, startFakeTelegram } from '../support/fakes/telegram.ts';
import { floodWait, TELEGRAM_TROUBLE, upgradedTo } from '../support/fakes/telegramTrouble.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';

const BOT = '424242';

describe('reading what is written to the bot', () => {
  let database: TestDatabase;
  let db: Db;
  let pool: pg.Pool;
  let fake: FakeTelegram;
  let telegram: TelegramBot;
  let userId: string;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
  });

  beforeEach(async () => {
    fake = await startFakeTelegram();
    telegram = makeBot();
    await pool.query('delete from telegram_bots');
    await pool.query('delete from telegram_links');
    const row = { username: uniqueName('user'), passwordHash: 'none', name: null, scopes: [] };
    userId = (await db.users.insert(row)).id;
  });

  /** Another one knows nothing of the waits of the one before. */
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
  const signal = new AbortController().signal;
  const read = (hints = createHints()) => readLinkCodes({ db, telegram, log, signal, hints });
  const offer = async (expiresInMs = 60_000): Promise<string> => {
    const code = uniqueName('code').padEnd(32, 'x');
    const expiresAt = new Date(Date.now() + expiresInMs);
    await db.telegramLinks.insert({ userId, bot: BOT, code, expiresAt });
    return code;
  };
  const chatOf = async () => (await db.users.find(userId))?.telegramChat;
  const bot = async () => (await db.telegramBots.find(BOT)) ?? assert.fail();

  it('links the chat that sends the code, and reads on where it was', async () => {
    const code = await offer();
    fake.world.write(5, `/start ${code}`);
    assert.deepEqual(await read(), { pauseMs: 0, hasOpenLinks: false });
    assert.equal(await chatOf(), '5');
    assert.match(fake.world.shownIn(5)[0]?.text ?? '', /now gets the notices of user_/);
    assert.equal(fake.world.unread(), 0, 'what was read is confirmed');
    assert.ok((await bot()).updateOffset);
  });

  it('says so once more after a wait or a death, and links nobody else', async () => {
    const code = await offer();
    fake.world.write(5, `/start ${code}`);
    fake.behaveBy(({ path }) => (path.endsWith('/sendMessage') ? floodWait(7) : undefined));
    assert.deepEqual(await read(), { pauseMs: 7000, hasOpenLinks: true });
    assert.equal(await chatOf(), '5');
    const blockedMs = ((await bot()).blockedUntil?.getTime() ?? 0) - Date.now();
    assert.ok(blockedMs > 6000 && blockedMs <= 7000);
    fake.reset();
    await pool.query('update telegram_bots set blocked_until = null');
    telegram = makeBot();
    await offer(1500);
    fake.world.write(6, `/start ${code}`);
    assert.deepEqual(await read(), { pauseMs: 0, hasOpenLinks: false });
    assert.match(fake.world.shownIn(5)[0]?.text ?? '', /now gets/);
    assert.match(fake.world.shownIn(6)[0]?.text ?? '', /code is not good/);
    assert.equal(await chatOf(), '5');
  });

  it('keeps why it cannot read, and forgets it when it can', async () => {
    await offer();
    for (const [behaviour, code] of [
      [TELEGRAM_TROUBLE.two_pollers, 'telegram_conflict'],
      [TELEGRAM_TROUBLE.bot_unauthorized, 'telegram_unauthorized'],
      [TELEGRAM_TROUBLE.bot_server_error, 'telegram_unavailable'],
    ] as const) {
      fake.behave(behaviour);
      const { pauseMs, hasOpenLinks } = await read();
      assert.ok(pauseMs >= 5000 && hasOpenLinks);
      assert.equal((await bot()).errorCode, code);
    }
    fake.world.write(5, `/start ${await offer()}`);
    await read();
    assert.equal((await bot()).errorCode, null);
  });

  it('answers rubbish once in a chat, never in groups, and nothing that is old', async () => {
    const hints = createHints();
    for (let count = 0; count < 5; count++) fake.world.write(5, 'rubbish');
    for (let count = 0; count < 5; count++) fake.world.write(5, `/start ${'y'.repeat(32)}`);
    fake.world.write(-6, 'people talk');
    fake.world.write(-7, 'a post', { isChannel: true });
    fake.world.write(8, 'of yesterday', { agoSec: 3600 });
    fake.world.write(9, `/start ${await offer()}`, { agoSec: 3600 });
    await read(hints);
    assert.deepEqual(
      [5, -6, -7, 8, 9].map((chat) => fake.world.shownIn(chat).length),
      [1, 0, 0, 0, 1],
    );
    assert.equal(await chatOf(), '9');
  });

  it('answers no flood from many chats', () => {
    let now = 1_000_000;
    const hints = createHints(() => now);
    const message = (chat: number) => ({ chat: String(chat), text: 'x', sentAt: new Date(now) });
    const answered = Array.from({ length: 500 }, (_, chat) => hints.mayAnswer(message(chat))).filter(Boolean);
    assert.equal(answered.length, 20);
    now += 61_000;
    assert.equal(hints.mayAnswer(message(499)), true);
    assert.equal(hints.mayAnswer(message(0)), false);
  });

  it('has the whole bot wait when it is its reading that Telegram wants to wait', async () => {
    await offer();
    fake.behave(floodWait(9));
    assert.deepEqual(await read(), { pauseMs: 9000, hasOpenLinks: true });
    assert.ok(((await bot()).blockedUntil?.getTime() ?? 0) > Date.now() + 8000);
  });

  it('answers nobody while another worker was told to wait', async () => {
    fake.world.write(5, 'hello');
    fake.world.write(6, `/start ${await offer()}`);
    fake.behaveBy(({ path }) => {
      if (path.endsWith('/getUpdates')) void db.telegramBots.block(BOT, new Date(Date.now() + 60_000));
      return path.endsWith('/getUpdates') ? { kind: 'slow', ms: 300 } : undefined;
    });
    const { pauseMs, hasOpenLinks } = await read();
    assert.ok(pauseMs > 50_000 && hasOpenLinks);
    assert.equal(fake.asked('sendMessage').length, 0);
    assert.equal(fake.world.unread(), 2, 'they are read again');
  });

  it('forgets for a new offer why it could not read for the one before', async () => {
    await db.telegramBots.ensure(BOT);
    for (const [code, after] of [
      [BOT_ERRORS.conflict, null],
      [BOT_ERRORS.unavailable, null],
      [BOT_ERRORS.unauthorized, BOT_ERRORS.unauthorized],
    ] as const) {
      await db.telegramBots.noteError(BOT, code);
      await offer();
      assert.equal((await bot()).errorCode, after);
    }
  });

  it('follows a group that has moved when it answers', async () => {
    fake.world.write(-5, `/start ${await offer()}`);
    fake.behaveBy(({ path }) => (path.endsWith('/sendMessage') ? upgradedTo(-1005) : undefined));
    await read();
    assert.equal(await chatOf(), '-1005');
  });

  it('keeps a chat that it cannot answer, and says why it is off', async () => {
    fake.world.write(5, `/start ${await offer()}`);
    fake.behaveBy(({ path }) => (path.endsWith('/sendMessage') ? TELEGRAM_TROUBLE.no_rights : undefined));
    await read();
    const user = await db.users.find(userId);
    assert.deepEqual([user?.telegramChat, user?.telegramOffReason], ['5', 'not_allowed']);
  });
});
