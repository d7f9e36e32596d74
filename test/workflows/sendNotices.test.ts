import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../src/db/ids.ts';
import { makePlace } from '../cli/session.ts';
import { seeDatabase, seeHistories, Watch } from '../support/canaries.ts';
import type { ApiProcess } from '../support/engine.ts';
import { floodWait, TELEGRAM_TROUBLE, upgradedTo } from '../support/fakes/telegramTrouble.ts';
import { historyText } from '../support/historyText.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { BOT, type NoticeWorld, startNoticeWorld } from '../support/noticeWorld.ts';
import { waitFor } from '../support/stack.ts';

/** Enough for the pace of all to be met; CAMPAIGN=1 sends all that the fault list asks for. */
const MANY = process.env.CAMPAIGN ? 300 : 50;
const FLOOD_EVERY = process.env.CAMPAIGN ? 70 : 20;
const FLOOD_SEC = process.env.CAMPAIGN ? 3 : 1;

describe('notices by Telegram', function () {
  this.timeout(120_000);
  let world: NoticeWorld;
  let api: ApiProcess | undefined;

  before(async () => {
    world = await startNoticeWorld();
    world.startWorker();
    // One notice goes through before anything is measured.
    await waitFor(async () => (await world.sql('select from telegram_bots'))[0], {
      what: 'the worker',
      timeoutMs: 60_000,
    });
    const { id, chat } = await addUser();
    await world.tell(id, 'video.ready', { id: newId() });
    await world.untilShown(chat, (shown) => shown.length === 1, 60_000);
  });

  beforeEach(() => world.fake.reset());

  after(() => world.close());

  const addUser = async () => {
    const [user] = await world.addUsers(1);
    assert.ok(user);
    return user;
  };
  const says = (words: RegExp) => (shown: { text: string }[]) => words.test(shown[0]?.text ?? '');
  const rowOf = async (userId: string) => (await world.sql('select * from users where id = $1', [userId]))[0];

  it('tell a video’s life in one message, each time within about a second', async () => {
    const { id: userId, chat } = await addUser();
    const video = { id: newId(), title: 'Tom & <Jerry>' };
    const took: number[] = [];
    for (const [type, words] of [
      ['video.created', /is being|Waits/],
      ['video.processing', /Is being processed/],
      ['video.ready', /Ready/],
      ['video.deleted', /Was deleted/],
    ] as const) {
      const begun = Date.now();
      await world.tell(userId, type, {
        ...video,
        status: type === 'video.created' ? 'pending' : type.slice(6),
      });
      await world.untilShown(chat, says(words));
      took.push(Date.now() - begun);
    }
    const shown = world.fake.world.shownIn(chat);
    assert.equal(shown.length, 1);
    assert.ok(shown[0]?.text.startsWith('Tom & <Jerry>\n'));
    assert.equal(shown[0]?.texts.length, 4);
    assert.ok(Math.max(...took) < 3000, `took ${took} ms`);
  });

  it('begin with what happens after a chat is set, and end with it', async () => {
    const userId = await world.engine.addUser();
    await world.tell(userId, 'video.failed', { id: newId() });
    await world.engine.db.users.change(userId, { telegramChat: '555' });
    await world.tell(userId, 'video.ready', { id: newId() });
    await world.untilShown('555', (shown) => shown.length === 1);
    await world.engine.db.users.change(userId, { telegramChat: null });
    await world.tell(userId, 'video.ready', { id: newId() });
    const other = await addUser();
    await world.tell(other.id, 'video.ready', { id: newId() });
    await world.untilShown(other.chat, (shown) => shown.length === 1);
    assert.deepEqual(
      world.fake.world.shownIn('555').map(({ text }) => text.split('\n')[1]),
      ['✅ Ready'],
    );
  });

  it('begin with what is switched on, and keep true what is there', async () => {
    const { id: userId, chat } = await addUser();
    const notices = { 'video.processing': false, 'video.failed': false };
    await world.engine.db.users.change(userId, { notices });
    const [a, b] = [
      { id: newId(), title: 'a' },
      { id: newId(), title: 'b' },
    ];
    await world.tell(userId, 'video.processing', a);
    await world.tell(userId, 'video.failed', b);
    await world.tell(userId, 'video.ready', a);
    await world.untilShown(chat, says(/^a\n✅ Ready/));
    await world.tell(userId, 'video.failed', a);
    await world.untilShown(chat, says(/^a\n❌ Failed/));
    assert.equal(world.fake.world.shownIn(chat).length, 1);
  });

  it('keep to the pace of each chat, and none waits for that of another', async () => {
    const [busy, quiet] = [await addUser(), await addUser()];
    for (let count = 0; count < 8; count++) await world.tell(busy.id, 'video.ready', { id: newId() });
    await world.untilShown(busy.chat, (shown) => shown.length === 2);
    const begun = Date.now();
    await world.tell(quiet.id, 'video.ready', { id: newId() });
    await world.untilShown(quiet.chat, (shown) => shown.length === 1);
    assert.ok(Date.now() - begun < 3000);
    assert.ok(world.fake.world.shownIn(busy.chat).length < 8);
    await world.engine.db.users.change(busy.id, { telegramChat: null });
    const times = world.fake.requests
      .filter(({ json }) => (json as { chat_id?: string }).chat_id === busy.chat)
      .map(({ receivedAt }) => receivedAt);
    assert.ok(
      times.every((time, at) => at === 0 || time - (times[at - 1] ?? 0) >= 950),
      String(times),
    );
  });

  it('send a message anew that is gone, follow a group that moves, and take "not modified" for done', async () => {
    const { id: userId, chat } = await addUser();
    const video = { id: newId() };
    await world.tell(userId, 'video.processing', video);
    const [message] = await world.untilShown(chat, says(/Is being/));
    assert.ok(message);
    world.fake.world.delete(message);
    await world.tell(userId, 'video.ready', video);
    await world.untilShown(chat, says(/Ready/));
    world.fake.behaveBy(({ json }) =>
      String((json as { chat_id: string }).chat_id) === chat ? upgradedTo(-100 - Number(chat)) : undefined,
    );
    await world.tell(userId, 'video.failed', video);
    const moved = String(-100 - Number(chat));
    await world.untilShown(moved, says(/Failed/));
    assert.equal((await rowOf(userId)).telegram_chat, moved);
    world.fake.reset();
    world.fake.behave(TELEGRAM_TROUBLE.not_modified);
    await world.tell(userId, 'video.updated', { ...video, status: 'failed' });
    await waitFor(() => world.fake.asked('editMessageText').length > 0, { what: 'the change' });
    const isDone = async () =>
      (
        await world.sql('select * from telegram_notices where chat = $1 and next_attempt_at is null', [moved])
      )[0];
    await waitFor(isDone, { what: 'the end of it' });
    assert.equal(world.fake.asked('editMessageText').length, 1);
  });

  it('switch a chat off that does not want them, tell so once, and go on when it is set again', async () => {
    const { id: userId, chat } = await addUser();
    world.fake.behaveBy(({ json }) =>
      (json as { chat_id?: string }).chat_id === chat ? TELEGRAM_TROUBLE.blocked : undefined,
    );
    for (let count = 0; count < 3; count++) await world.tell(userId, 'video.ready', { id: newId() });
    await waitFor(async () => (await rowOf(userId)).telegram_off_reason === 'bot_blocked', {
      what: 'the end',
    });
    const told = () =>
      world.sql(`select * from events where user_id = $1 and type = 'telegram.disabled'`, [userId]);
    assert.deepEqual(
      (await told()).map(({ data }) => data),
      [{ reason: 'bot_blocked' }],
    );
    await world.tell(userId, 'video.ready', { id: newId() });
    const other = await addUser();
    await world.tell(other.id, 'video.ready', { id: newId() });
    await world.untilShown(other.chat, (shown) => shown.length === 1);
    assert.ok(
      world.fake.requests.filter(({ json }) => (json as { chat_id?: string }).chat_id === chat).length <= 3,
    );
    world.fake.reset();
    await world.engine.db.users.change(userId, { telegramChat: chat });
    await world.tell(userId, 'video.ready', { id: newId(), title: 'again' });
    await world.untilShown(chat, says(/^again/));
    assert.equal(world.fake.world.shownIn(chat).length, 1);
    assert.equal((await told()).length, 1);
  });

  it(`come all, ${MANY} of them, and the whole bot waits when Telegram wants it`, async () => {
    const users = await world.addUsers(MANY);
    let sent = 0;
    world.fake.behaveBy(() => (++sent % FLOOD_EVERY === 0 ? floodWait(FLOOD_SEC) : undefined));
    const begun = Date.now();
    await Promise.all(users.map(({ id }) => world.tell(id, 'video.ready', { id: newId() })));
    const countShown = () => users.filter(({ chat }) => world.fake.world.shownIn(chat).length > 0).length;
    await waitFor(() => countShown() === MANY, { what: 'all of them', timeoutMs: 90_000 });
    assert.ok(
      users.every(({ chat }) => world.fake.world.shownIn(chat).length === 1),
      'each once',
    );
    const { requests } = world.fake;
    const floods = requests.filter(({ status }) => status === 429);
    assert.ok(floods.length >= Math.floor(MANY / FLOOD_EVERY), `${floods.length} waits`);
    for (const { endedAt } of floods) {
      const from = (endedAt ?? 0) + 300;
      const until = (endedAt ?? 0) + FLOOD_SEC * 1000 - 50;
      const early = requests.filter(({ receivedAt }) => receivedAt > from && receivedAt < until);
      assert.equal(early.length, 0, 'nobody was written to meanwhile');
    }
    for (const { receivedAt } of requests) {
      const inASecond = requests.filter(
        (other) => other.receivedAt >= receivedAt && other.receivedAt < receivedAt + 900,
      );
      assert.ok(inASecond.length <= 32, `${inASecond.length} in a second`);
    }
    if (process.env.CAMPAIGN)
      process.stdout.write(`${MANY} notices in ${Date.now() - begun} ms, ${floods.length} waits\n`);
  });

  it('never keep a video waiting: with a Telegram that hangs it is processed as ever', async () => {
    const { id: userId, chat } = await addUser();
    world.fake.behaveBy(() => ({ kind: 'hang' }));
    const videoId = await world.engine.addVideo(await fixture('h264'), { userId });
    const read = () => world.engine.db.videos.find(userId, videoId);
    await waitFor(async () => (await read())?.status === 'ready', { what: 'the video', timeoutMs: 20_000 });
    assert.ok(world.fake.requests.length > 0 && world.fake.world.shownIn(chat).length === 0);
    const history = await historyText(world.engine.client, `video/${videoId}`);
    assert.ok(!/notice|telegram/i.test(history));
    // The worker dies while its messages hang: the next one tells what is so then.
    await world.engine.stopWorkers('SIGKILL');
    world.fake.reset();
    await world.sql('update telegram_notices set next_attempt_at = now() where next_attempt_at is not null');
    world.startWorker();
    // That it is dead is only known after some seconds, in which the next test's API may start.
    [api] = await Promise.all([world.engine.startApi(), world.untilShown(chat, says(/Ready/), 45_000)]);
    const shown = world.fake.world.shownIn(chat);
    assert.equal(shown.length, 1);
  });

  it('are linked to the chat that sends the code, by the command line from end to end', async () => {
    api ??= await world.engine.startApi();
    const { url, token } = api;
    const place = await makePlace({ VIDEOFLOW_URL: url, VIDEOFLOW_TOKEN: token });
    world.fake.world.write(9001, 'what is this?');
    world.fake.world.write(9001, 'hello?');
    world.fake.world.write(9001, `/start ${'x'.repeat(32)}`);
    const linking = place.run(['telegram', 'link', '--json']);
    const row = await waitFor(
      async () => (await world.sql('select * from telegram_links where linked_at is null'))[0],
      {
        what: 'the offer',
      },
    );
    assert.equal(row.bot, BOT);
    const [hint] = await world.untilShown('9001', (shown) => shown.length === 1);
    assert.match(hint?.text ?? '', /ask videoflow for a link/);
    await place.remove();
    // The command shows the code to its user only: a second offer is made by hand to have it here.
    const headers = { authorization: `Bearer ${token}` };
    const offer = await (await fetch(`${url}/v1/me/telegram/link`, { method: 'POST', headers })).json();
    world.fake.world.write(-9002, `/start@videoflow_test_bot ${offer.code}`);
    const { code, stdout } = await linking;
    assert.equal(code, 0);
    const [first, end] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.match(first.url, /^https:\/\/t\.me\/videoflow_test_bot\?start=[\w-]{32}$/);
    assert.deepEqual([end.state, end.chat], ['linked', '-9002']);
    const [answer] = await world.untilShown('-9002', (shown) => shown.length === 1);
    assert.match(answer?.text ?? '', /^This chat now gets the notices of user_/);
    world.fake.world.write(-9003, `/start ${offer.code}`);
    const me = await (await fetch(`${url}/v1/me`, { headers })).json();
    assert.deepEqual([me.telegram_chat, me.telegram_off_reason], ['-9002', null]);
    await world.tell(me.id, 'video.ready', { id: newId(), title: 'linked' });
    await world.untilShown('-9002', (shown) => shown.some(({ text }) => text.startsWith('linked')));
    await waitFor(() => world.fake.world.unread() <= 1, { what: 'the messages to be confirmed' });
    const gone = await fetch(`${url}/v1/me/telegram`, { method: 'DELETE', headers });
    assert.equal(gone.status, 204);
  });

  it('leave no trace of the token, nor of chats outside of the rows', async () => {
    const { engine, fake } = world;
    const watch = new Watch();
    watch.add('token', fake.token.split(':')[1] ?? '');
    await seeDatabase(watch, engine.config.DATABASE_URL);
    await seeHistories(watch, engine.client);
    for (const name of ['worker.log', 'api.log'])
      watch.see(`log ${name}`, await readFile(join(engine.config.DATA_DIR, name), 'utf8'));
    assert.ok(
      watch.seen(/^history .*telegram/) > 1000 && watch.seen(/^log/) > 1000 && watch.seen(/^table/) > 1000,
    );
    assert.deepEqual(watch.leaks(/./, []), []);
    const history = await historyText(engine.client, world.workflowId);
    assert.ok(!/-9002|Tom & /.test(history));
  });
});
