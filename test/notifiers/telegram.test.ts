import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { type BotAnswer, createTelegramBot, type TelegramBot } from '../../src/notifiers/telegram/index.ts';
import { createPace } from '../../src/notifiers/telegram/pace.ts';
import type { Behaviour } from '../support/fakes/behaviours.ts';
import { FAKE_BOT_USERNAME, type FakeTelegram, startFakeTelegram } from '../support/fakes/telegram.ts';
import { botRefusal, floodWait, TELEGRAM_TROUBLE, upgradedTo } from '../support/fakes/telegramTrouble.ts';

const UNENDING = new AbortController().signal;
const { signal: ABORTED } = { signal: AbortSignal.abort() };

describe('the adapter of Telegram', () => {
  let fake: FakeTelegram;
  let bot: TelegramBot;

  const botAt = (url: string, answerMs = 10_000): TelegramBot => {
    const config = { TELEGRAM_BASE_URL: url, TELEGRAM_BOT_TOKEN: fake.token };
    const made = createTelegramBot({ config, answerMs });
    assert.ok(made);
    return made;
  };

  before(async () => {
    fake = await startFakeTelegram();
  });

  beforeEach(() => {
    fake.reset();
    bot = botAt(fake.botApiUrl);
  });

  after(() => fake.close());

  it('is not there without a token', () => {
    const config = { TELEGRAM_BASE_URL: fake.botApiUrl, TELEGRAM_BOT_TOKEN: undefined };
    assert.equal(createTelegramBot({ config }), null);
  });

  it('says its number and asks for its name', async () => {
    assert.equal(bot.bot, '424242');
    assert.deepEqual(await bot.askUsername(UNENDING), { kind: 'ok', result: FAKE_BOT_USERNAME });
  });

  it('sends, changes, and takes "not modified" for what it is', async () => {
    const sent = await bot.send('7', '<b>One</b> &amp; only', UNENDING);
    assert.ok(sent.kind === 'ok' && sent.result !== null);
    const message = { chat: '7', id: sent.result };
    assert.deepEqual(await bot.edit(message, 'Two', UNENDING), { kind: 'ok', result: sent.result });
    assert.deepEqual(await bot.edit(message, 'Two', UNENDING), { kind: 'unchanged' });
    const [shown] = fake.world.shownIn(7);
    assert.deepEqual(shown?.texts, ['One & only', 'Two']);
    assert.ok(shown);
    fake.world.delete(shown);
    assert.deepEqual(await bot.edit(message, 'Three', UNENDING), { kind: 'gone' });
    fake.world.unknownChats.add('8');
    assert.deepEqual(await bot.send('8', 'a', UNENDING), { kind: 'off', reason: 'chat_not_found' });
  });

  const ANSWERS: [string, Behaviour, BotAnswer<null>][] = [
    ['a flood', floodWait(17), { kind: 'wait', waitMs: 17_000 }],
    ['a flood without a figure', botRefusal(429, 'Too Many Requests'), { kind: 'wait', waitMs: 5000 }],
    ['a flood of a year', floodWait(3e7), { kind: 'wait', waitMs: 24 * 3600 * 1000 }],
    ['a negative wait', floodWait(-5), { kind: 'wait', waitMs: 5000 }],
    ['a block', TELEGRAM_TROUBLE.blocked, { kind: 'off', reason: 'bot_blocked' }],
    ['a removal', TELEGRAM_TROUBLE.kicked, { kind: 'off', reason: 'bot_removed' }],
    ['a deleted account', TELEGRAM_TROUBLE.deactivated, { kind: 'off', reason: 'user_deactivated' }],
    ['a channel without rights', TELEGRAM_TROUBLE.no_rights, { kind: 'off', reason: 'not_allowed' }],
    [
      'a 403 in other words',
      botRefusal(403, 'Forbidden: something new'),
      { kind: 'off', reason: 'not_allowed' },
    ],
    ['no such chat', TELEGRAM_TROUBLE.chat_not_found, { kind: 'off', reason: 'chat_not_found' }],
    ['a group that moved', upgradedTo(-1009), { kind: 'moved', chat: '-1009' }],
    ['a message that is gone', TELEGRAM_TROUBLE.message_gone, { kind: 'gone' }],
    ['one that cannot be changed', TELEGRAM_TROUBLE.not_editable, { kind: 'gone' }],
    ['the same text', TELEGRAM_TROUBLE.not_modified, { kind: 'unchanged' }],
    ['a text that it cannot read', TELEGRAM_TROUBLE.bad_entities, { kind: 'refused' }],
    ['a wrong token', TELEGRAM_TROUBLE.bot_unauthorized, { kind: 'unauthorized' }],
    ['another reader', TELEGRAM_TROUBLE.two_pollers, { kind: 'conflict' }],
    ['a webhook', TELEGRAM_TROUBLE.webhook_set, { kind: 'conflict' }],
    ['a server error', TELEGRAM_TROUBLE.bot_server_error, { kind: 'trouble', why: 'http_502' }],
    ['a redirect', TELEGRAM_TROUBLE.moved, { kind: 'trouble', why: 'http_302' }],
    [
      'a page',
      { kind: 'answer', status: 200, body: '<h1>It works!</h1>' },
      { kind: 'trouble', why: 'http_200' },
    ],
    ['a page of a proxy', { kind: 'answer', status: 400, body: 'no' }, { kind: 'trouble', why: 'http_400' }],
    [
      'a yes without a message',
      { kind: 'answer', status: 200, body: { ok: true } },
      { kind: 'ok', result: null },
    ],
    ['a list', { kind: 'answer', status: 200, body: [1] }, { kind: 'trouble', why: 'http_200' }],
    ['a cut', { kind: 'cut' }, { kind: 'trouble', why: 'ECONNRESET' }],
    ['a drop', { kind: 'drop' }, { kind: 'trouble', why: 'ECONNRESET' }],
    [
      'another protocol, and an end',
      { kind: 'upgrading', isKept: false },
      { kind: 'trouble', why: 'SWITCHED_PROTOCOLS' },
    ],
    [
      'another protocol that stays',
      { kind: 'upgrading', isKept: true },
      { kind: 'trouble', why: 'SWITCHED_PROTOCOLS' },
    ],
  ];
  for (const [what, behaviour, expected] of ANSWERS) {
    it(`tells ${what} apart: ${expected.kind}`, async () => {
      fake.behave(behaviour);
      assert.deepEqual(await bot.send('7', 'a', UNENDING), expected);
      assert.equal(fake.requests.length, 1, 'once');
    });
  }

  it('asks for nothing, whatever it is, while Telegram wants the bot to wait', async () => {
    fake.behave(floodWait(1));
    assert.equal((await bot.listUpdates({ offset: null, waitSec: 0 }, UNENDING)).kind, 'wait');
    for (const answer of [
      await bot.send('7', 'a', UNENDING),
      await bot.edit({ chat: '7', id: 1 }, 'a', UNENDING),
      await bot.askUsername(UNENDING),
      await bot.listUpdates({ offset: null, waitSec: 0 }, UNENDING),
    ])
      assert.ok(answer.kind === 'wait' && answer.waitMs > 500 && answer.waitMs <= 1000);
    assert.equal(fake.requests.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal((await bot.send('7', 'a', UNENDING)).kind, 'ok');
  });

  it('reads no more messages at a time than it can, however long they are', async () => {
    const text = 'я'.repeat(4096);
    const message = { message_id: 1, chat: { id: 1 }, date: 1, text, reply_to_message: { text } };
    // As Telegram writes it: six bytes for each character that is not ASCII.
    const escaped = (value: unknown) => JSON.stringify(value).replaceAll('я', '\\u044f');
    fake.behaveBy(({ json }) => {
      const { limit = 100 } = json as { limit?: number };
      const result = Array.from({ length: limit }, (_, at) => ({ update_id: at, message }));
      return { kind: 'answer', status: 200, body: escaped({ ok: true, result }) };
    });
    const read = await bot.listUpdates({ offset: null, waitSec: 0 }, UNENDING);
    assert.ok(read.kind === 'ok' && read.result.length > 1, read.kind);
  });

  it('gives up what hangs, stalls or never ends, and reads no answer beyond all measure', async () => {
    const hurried = botAt(fake.botApiUrl, 150);
    for (const kind of ['hang', 'stall'] as const) {
      fake.behave({ kind });
      const begun = Date.now();
      assert.deepEqual(await hurried.send('7', 'a', UNENDING), { kind: 'trouble', why: 'no_answer_in_time' });
      assert.ok(Date.now() - begun < 2000);
    }
    fake.behave({ kind: 'answer', status: 200, body: 'x'.repeat(5 * 1024 * 1024) });
    assert.deepEqual(await bot.send('7', 'a', UNENDING), { kind: 'trouble', why: 'answer_too_long' });
  });

  it('never names its token: not in what it gives or throws, and to nobody that it is sent on to', async () => {
    const seen: string[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port } = elsewhere.address() as AddressInfo;
    const trouble: Behaviour[] = [
      { kind: 'answer', status: 302, headers: { location: `http://127.0.0.1:${port}/` }, body: '' },
      { kind: 'answer', status: 307, headers: { location: `http://127.0.0.1:${port}/` }, body: '' },
      botRefusal(400, `Bad Request: ${fake.token} is not what it seems`),
      { kind: 'cut' },
      { kind: 'drop' },
    ];
    const given: unknown[] = [];
    for (const behaviour of trouble) {
      fake.behave(behaviour);
      given.push(await bot.send('7', 'a', UNENDING));
    }
    for (const url of [
      'http://127.0.0.1:1',
      'https://127.0.0.1:1',
      `https://127.0.0.1:${port}`,
      'http://no.invalid',
    ])
      given.push(await botAt(url, 3000).send('7', 'a', UNENDING));
    given.push(await bot.send('7', 'a', ABORTED).catch((error: unknown) => error));
    fake.behave({ kind: 'hang' });
    given.push(await bot.send('7', 'a', AbortSignal.timeout(50)).catch((error: unknown) => error));
    assert.equal(given.length, 11);
    const [, secret = ''] = fake.token.split(':');
    assert.ok(!inspect(given, { depth: 20, showHidden: true }).includes(secret));
    assert.deepEqual(seen, []);
    elsewhere.close();
    elsewhere.closeAllConnections();
  });

  it('reads what is written to it, texts only, and waits for it', async () => {
    fake.world.write(7, '/start abc');
    const first = await bot.listUpdates({ offset: null, waitSec: 1 }, UNENDING);
    assert.ok(first.kind === 'ok' && first.result[0]?.message);
    assert.deepEqual([first.result[0].message.chat, first.result[0].message.text], ['7', '/start abc']);
    const waiting = bot.listUpdates({ offset: first.result[0].id + 1, waitSec: 5 }, UNENDING);
    setTimeout(() => fake.world.write(-5, 'hello', { isChannel: true }), 200);
    const second = await waiting;
    assert.ok(second.kind === 'ok');
    assert.deepEqual(
      second.result.map(({ message }) => message?.chat),
      ['-5'],
    );
    const body = {
      ok: true,
      result: [
        { update_id: 1, message: { chat: { id: 1 }, date: 1, photo: [] } },
        { update_id: 2, poll: {} },
        { update_id: 3, message: 'nonsense' },
      ],
    };
    fake.behave({ kind: 'answer', status: 200, body });
    const odd = await bot.listUpdates({ offset: null, waitSec: 0 }, UNENDING);
    assert.deepEqual(odd, { kind: 'ok', result: [1, 2, 3].map((id) => ({ id, message: null })) });
  });

  it('hears of it when somebody else reads', async () => {
    fake.reset();
    const world = (await bot.listUpdates({ offset: 900_000, waitSec: 0 }, UNENDING)).kind;
    assert.equal(world, 'ok');
    const first = bot.listUpdates({ offset: 900_000, waitSec: 5 }, UNENDING);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await bot.listUpdates({ offset: 900_000, waitSec: 0 }, UNENDING);
    assert.deepEqual(await first, { kind: 'conflict' });
  });
});

describe('the pace of Telegram', () => {
  it('allows a message a second in a chat, 20 a minute in a group and 30 a second in all', () => {
    let now = 1_000_000;
    const pace = createPace(() => now);
    const sendAsMany = (chat: () => string, untilMs: number): number => {
      const end = now + untilMs;
      let sent = 0;
      for (; now < end; now += 10) {
        const to = chat();
        if (pace.freeAt(to) > now || pace.anyFreeAt() > now) continue;
        pace.take(to);
        sent += 1;
      }
      return sent;
    };
    assert.equal(
      sendAsMany(() => '7', 60_000),
      60,
    );
    assert.equal(
      sendAsMany(() => '-7', 60_000),
      20,
    );
    assert.equal(
      sendAsMany(() => '@chan', 120_000),
      40,
    );
    let next = 100;
    assert.equal(
      sendAsMany(() => String(next++), 10_000),
      300,
    );
    assert.equal(pace.silentMs(), 0);
    pace.silence(5000);
    pace.silence(1000);
    now += 2000;
    assert.equal(pace.silentMs(), 3000);
    pace.take('-7');
    assert.deepEqual([pace.busyChats().includes('-7'), pace.freeAt('8') <= now], [true, true]);
  });
});
