import assert from 'node:assert/strict';
import { NOTICE_TYPES } from '../../src/domain/notice.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { uniqueName } from '../support/stack.ts';

const TOKEN = '12345:a-token-that-nobody-sees';
const BOT = '12345';

describe('linking a Telegram chat over HTTP', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi({ TELEGRAM_BOT_TOKEN: TOKEN });
    await api.db.telegramBots.ensure(BOT);
    await api.db.telegramBots.noteUsername(BOT, 'my_bot');
  });

  beforeEach(async () => {
    user = await api.makeUser();
    api.flowCalls.length = 0;
  });

  after(() => api.close());

  const ask = (method: string, path: string, json?: unknown) =>
    api.call(path, { method, token: user.token, ...(json === undefined ? {} : { json }) });
  const offer = () => ask('POST', '/v1/me/telegram/link');
  const look = async () => (await ask('GET', '/v1/me/telegram/link')).body;
  const me = async () => (await ask('GET', '/v1/me')).body;

  it('gives a code that is long, shown once and kept as a hash, and wakes the bot', async () => {
    const { status, body } = await offer();
    assert.equal(status, 201);
    assert.equal(body.url, `https://t.me/my_bot?start=${body.code}`);
    assert.ok(Buffer.from(body.code, 'base64url').length >= 16);
    const leftMs = Date.parse(body.expires_at) - Date.now();
    assert.ok(leftMs > 590_000 && leftMs <= 600_000, String(leftMs));
    assert.deepEqual(api.flowCalls, [{ command: 'sendNotices', input: { bot: BOT } }]);
    const rows = JSON.stringify(await api.sql('select * from telegram_links'));
    assert.ok(!rows.includes(body.code));
    const state = await look();
    assert.deepEqual([state.state, state.chat, state.linked_at, state.error], ['open', null, null, null]);
    assert.ok(!JSON.stringify(state).includes(body.code));
  });

  it('gives the answer again to the same key, without the code', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    const again = () => api.call('/v1/me/telegram/link', { method: 'POST', token: user.token, headers });
    const [first, second] = [await again(), await again()];
    assert.deepEqual([first.status, second.status], [201, 201]);
    assert.deepEqual(second.body, { code: null, url: null, expires_at: first.body.expires_at });
    assert.equal((await api.db.telegramLinks.take(BOT, first.body.code, '7')).outcome, 'linked');
  });

  it('takes a code once and in time, and the same chat may repeat it', async () => {
    const { body } = await offer();
    const take = (code: string, chat: string) => api.db.telegramLinks.take(BOT, code, chat);
    assert.deepEqual(await take('A'.repeat(32), '7'), { outcome: 'unknown' });
    assert.deepEqual(await take(body.code, '7'), { outcome: 'linked', username: user.username });
    assert.deepEqual(await take(body.code, '7'), { outcome: 'linked', username: user.username });
    assert.deepEqual(await take(body.code, '8'), { outcome: 'used' });
    assert.deepEqual(
      [(await look()).state, (await look()).chat, (await me()).telegram_chat],
      ['linked', '7', '7'],
    );
    const late = await offer();
    await api.sql(
      "update telegram_links set expires_at = now() - interval '1 second' where linked_at is null",
    );
    assert.deepEqual(await take(late.body.code, '8'), { outcome: 'expired' });
    assert.equal((await look()).state, 'expired');
    assert.equal((await me()).telegram_chat, '7');
  });

  it('is taken by one of two chats that send the code at the same moment', async () => {
    const { body } = await offer();
    const ends = await Promise.all(
      ['1', '2', '3', '4'].map((chat) => api.db.telegramLinks.take(BOT, body.code, chat)),
    );
    assert.deepEqual(ends.map(({ outcome }) => outcome).sort(), ['linked', 'used', 'used', 'used']);
  });

  it('ends an offer when another is made, and everything when it is unlinked', async () => {
    const first = await offer();
    const second = await offer();
    assert.equal((await api.db.telegramLinks.take(BOT, first.body.code, '7')).outcome, 'unknown');
    assert.equal((await api.db.telegramLinks.take(BOT, second.body.code, '7')).outcome, 'linked');
    const third = await offer();
    assert.equal((await ask('DELETE', '/v1/me/telegram')).status, 204);
    assert.equal((await api.db.telegramLinks.take(BOT, third.body.code, '7')).outcome, 'unknown');
    assert.equal((await me()).telegram_chat, null);
    assert.equal((await ask('GET', '/v1/me/telegram/link')).status, 404);
    assert.equal((await ask('DELETE', '/v1/me/telegram')).status, 204);
  });

  it('leaves one of many offers of the same moment, and is neither held up by what takes or ends them', async () => {
    const many = await Promise.all(Array.from({ length: 6 }, offer));
    const open = () =>
      api.sql('select * from telegram_links where linked_at is null and user_id = $1', [user.id]);
    assert.equal((await open()).length, 1);
    for (let round = 0; round < 10; round++) {
      const { body } = await offer();
      const ends = await Promise.all([
        api.db.telegramLinks.take(BOT, body.code, '7').then(() => 201),
        offer().then(({ status }) => status),
        ask('DELETE', '/v1/me/telegram').then(({ status }) => status),
      ]);
      assert.deepEqual(ends, [201, 201, 204]);
    }
    assert.ok(many.every(({ status }) => status === 201));
  });

  it('shows an offer of the bot that was there before as over', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    await api.db.telegramLinks.insert({ userId: user.id, bot: '999', code: uniqueName('code'), expiresAt });
    assert.equal((await look()).state, 'expired');
  });

  it('says in the state why the bot cannot read, and keeps that to open offers', async () => {
    const { body } = await offer();
    await api.db.telegramBots.noteError(BOT, 'telegram_conflict');
    assert.equal((await look()).error.code, 'telegram_conflict');
    await api.db.telegramLinks.take(BOT, body.code, '7');
    assert.equal((await look()).error, null);
    await api.db.telegramBots.noteError(BOT, null);
  });

  it('forgets why a chat was switched off when one is set, and not when something else is', async () => {
    await ask('PATCH', '/v1/me', { telegram_chat: '77' });
    await api.db.telegramChats.switchOff(BOT, '77', 'bot_blocked');
    assert.equal((await ask('PATCH', '/v1/me', { name: 'Ada' })).body.telegram_off_reason, 'bot_blocked');
    const [event] = await api.sql(`select * from events where user_id = $1 and type = 'telegram.disabled'`, [
      user.id,
    ]);
    assert.deepEqual(
      [event.data, event.object_type, Number(event.sequence)],
      [{ reason: 'bot_blocked' }, 'telegram', 1],
    );
    const again = (await ask('PATCH', '/v1/me', { telegram_chat: '77' })).body;
    assert.deepEqual([again.telegram_chat, again.telegram_off_reason], ['77', null]);
  });

  describe('a chat that is set by hand', () => {
    let plain: TestUser;
    const set = (telegram_chat: unknown, token = plain.token) =>
      api.call('/v1/me', { method: 'PATCH', token, json: { telegram_chat } });
    const link = async (chat: string, userId = plain.id, bot = BOT) => {
      const code = uniqueName('code');
      const expiresAt = new Date(Date.now() + 60_000);
      await api.db.telegramLinks.insert({ userId, bot, code, expiresAt });
      assert.equal((await api.db.telegramLinks.take(bot, code, chat)).outcome, 'linked');
    };
    const assertRefused = ({ status, body }: Answer, what: string) => {
      assert.deepEqual(
        [status, body.code, body.errors?.[0].path],
        [422, 'invalid_request', 'telegram_chat'],
        what,
      );
      return body.errors[0].message as string;
    };

    beforeEach(async () => {
      plain = await api.makeUser({ scopes: ['read', 'write'] });
    });

    it('is none of another, nor one that nobody has linked, and nothing else is changed then', async () => {
      await link('1001', user.id);
      await link('1002', plain.id, '999');
      await link('1004');
      for (const chat of ['1001', '1002', '-1003', '@a_channel'])
        assert.match(assertRefused(await set(chat), chat), /POST \/v1\/me\/telegram\/link first/);
      const json = { name: 'Ada', telegram_chat: '1001' };
      assertRefused(await api.call('/v1/me', { method: 'PATCH', token: plain.token, json }), 'with a name');
      const { body } = await api.call('/v1/me', { token: plain.token });
      assert.deepEqual([body.telegram_chat, body.name], ['1004', null]);
    });

    it('may be one that was linked before, until it is unlinked', async () => {
      for (const chat of ['1', '2', '1']) await link(chat);
      const rows = await api.sql('select chat from telegram_links where user_id = $1 order by chat', [
        plain.id,
      ]);
      assert.deepEqual(
        rows.map(({ chat }) => chat),
        ['1', '2'],
        'one for each',
      );
      for (const chat of ['2', null, '1']) assert.equal((await set(chat)).body.telegram_chat, chat);
      await api.call('/v1/me/telegram', { method: 'DELETE', token: plain.token });
      for (const chat of ['1', '2']) assertRefused(await set(chat), chat);
    });

    it('may be what became of a group that was linked', async () => {
      await link('-5');
      await link('6');
      await api.db.telegramChats.move(BOT, '-5', '-1005');
      assert.equal((await set('-1005')).body.telegram_chat, '-1005');
      assertRefused(await set('-5'), 'the group of before');
    });

    it('may be said again as it is, but not to wake one that is off and was never linked', async () => {
      await api.db.users.change(plain.id, { telegramChat: '31' });
      assert.equal((await set('31')).status, 200);
      await api.db.telegramChats.switchOff(BOT, '31', 'bot_blocked');
      assertRefused(await set('31'), 'off');
      assert.equal((await set(null)).body.telegram_off_reason, null);
    });

    it('may be any with the scope admin of the token, as long as it is one', async () => {
      for (const chat of ['123456789', '-1001234567890', '@a_channel', String(2 ** 52 - 1)])
        assert.equal((await set(chat, user.token)).body.telegram_chat, chat);
      const no = [
        '-0',
        '0',
        '007',
        '+1',
        '1.5',
        '',
        ' 1',
        '99999999999999999999',
        String(2 ** 52),
        String(-(2 ** 52)),
        '@a',
        1,
      ];
      for (const chat of no) assertRefused(await set(chat, user.token), String(chat));
      const narrow = await api.makeToken(user.id, { scopes: ['read', 'write'] });
      assertRefused(await set('77', narrow), 'a token without it');
    });
  });

  it('takes switches of the types that there are notices of, and no others', async () => {
    const all = Object.fromEntries(NOTICE_TYPES.map((type) => [type, false]));
    assert.deepEqual((await ask('PATCH', '/v1/me', { notices: all })).body.notices, all);
    for (const type of ['video.*', 'video.exploded', 'step.running', 'share.created', uniqueName('x')]) {
      const { status, body } = await ask('PATCH', '/v1/me', { notices: { [type]: true } });
      assert.equal(status, 422, type);
      assert.equal(body.errors[0].path, `notices.${type}`);
      assert.match(body.errors[0].message, /must be one of video\.created, /);
    }
  });

  it("asks for the bot's name where nobody knows it, and says when there is none", async function () {
    this.timeout(20_000);
    await api.sql('update telegram_bots set username = null');
    const asked = offer();
    const timer = setTimeout(() => void api.db.telegramBots.noteUsername(BOT, 'late_bot'), 500);
    assert.match((await asked).body.url, /t\.me\/late_bot\?start=/);
    clearTimeout(timer);
    assert.equal(api.flowCalls.length, 2, 'once for its name, once for the offer');
  });

  it('says that there is no bot where none is configured', async () => {
    const plain = await startApi();
    const { token } = await plain.makeUser();
    const answer = await plain.call('/v1/me/telegram/link', { method: 'POST', token });
    assert.deepEqual([answer.status, answer.body.code], [409, 'no_telegram_bot']);
    const { token: write } = await plain.makeUser({ scopes: ['read', 'write'] });
    const set = (by: string) =>
      plain.call('/v1/me', { method: 'PATCH', token: by, json: { telegram_chat: '77' } });
    assert.deepEqual([(await set(write)).status, (await set(token)).status], [422, 200]);
    await plain.close();
  });
});
