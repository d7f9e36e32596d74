import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { type ApiProcess, startApiProcess } from '../support/apiProcess.ts';
import { makeAccount, makeVideo } from '../support/posting.ts';

const POSTS = 50;
/** Of each of two processes. */
const CONNECTIONS = 5;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The times of a day: every quarter of an hour, from three hours after this one, so that no slot goes by meanwhile. */
const WINDOW_MS = 8 * HOUR_MS;
const INTERVAL_MS = 15 * MINUTE_MS;
const FIRST_MS = (Math.floor(Date.now() / HOUR_MS) + 3) * HOUR_MS;

function rule() {
  const startMinute = new Date(FIRST_MS).getUTCHours() * 60;
  const endMinute = (startMinute + WINDOW_MS / MINUTE_MS) % (24 * 60);
  return { startMinute, endMinute, intervalMinutes: INTERVAL_MS / MINUTE_MS };
}

/** The first slots of such an account, reckoned by hand. */
function firstSlots(count: number): string[] {
  const perDay = WINDOW_MS / INTERVAL_MS + 1;
  return Array.from({ length: count }, (_, at) => {
    const day = Math.floor(at / perDay);
    return new Date(FIRST_MS + day * 24 * HOUR_MS + (at % perDay) * INTERVAL_MS).toISOString();
  });
}

describe('fifty posts for the next free slot at once', () => {
  let api: TestApi;
  let twin: ApiProcess;
  let user: TestUser;
  let videoId: string;
  let agents: Agent[];

  before(async () => {
    api = await startApi();
    twin = await startApiProcess(api);
    user = await api.makeUser();
    videoId = await makeVideo(api.db, user.id);
    agents = [0, 1].map(() => new Agent({ keepAlive: true, maxSockets: CONNECTIONS }));
  });
  after(async () => {
    for (const agent of agents ?? []) agent.destroy();
    await twin?.stop();
    await api?.close();
  });

  // No platform of these has a cap that fifty in a day would meet.
  const account = () => makeAccount(api.db, user.id, { platforms: ['linkedin'], ...rule() });

  /** Sends a post to one of the two processes, over one of its five connections. */
  function send(number: number, where: object): Promise<{ status: number; body: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' };
    const at = number % 2;
    const call = request(`${at ? twin.url : api.url}/v1/posts`, {
      ...{ method: 'POST', headers },
      agent: agents[at] as Agent,
    });
    call.on('response', async (answer) => {
      resolve({ status: answer.statusCode ?? 0, body: await text(answer) });
    });
    call.on('error', reject);
    call.end(JSON.stringify({ video_id: videoId, title: `Post ${number}`, scheduled_at: 'auto', ...where }));
    return promise;
  }
  async function sendAll(toWhere: (number: number) => object) {
    const numbers = Array.from({ length: POSTS }, (_, number) => number);
    const answers = await Promise.all(numbers.map((number) => send(number, toWhere(number))));
    assert.deepEqual(
      answers.filter(({ status }) => status !== 202).map(({ body }) => body),
      [],
    );
    return answers.flatMap(({ body }) => {
      const view = JSON.parse(body);
      return (view.data ?? [view]) as { id: string; account_id: string; scheduled_at: string }[];
    });
  }
  /** The slots of an account in the order in which they were given, which is that of the events. */
  const given = async (accountId: string): Promise<string[]> =>
    (
      await api.sql(
        `select data->>'scheduled_at' as at from events
         where type = 'post.scheduled' and data->>'account_id' = $1 order by sequence`,
        [accountId],
      )
    ).map(({ at }) => at);

  it('get the first fifty, each another, in the order in which they come', async () => {
    const accountId = await account();
    const expected = firstSlots(POSTS);
    const posts = await sendAll(() => ({ account_id: accountId }));
    assert.deepEqual(posts.map(({ scheduled_at }) => scheduled_at).sort(), expected);
    assert.deepEqual(await given(accountId), expected);
  });

  it('for two accounts, and for both as a group, leave no gap in either', async () => {
    const accountIds = [await account(), await account()].sort();
    const json = { name: 'Both', account_ids: accountIds };
    const { body: group } = await api.call('/v1/groups', { token: user.token, json });
    // As many for each of them, and as many for both.
    const kinds = [{ account_id: accountIds[0] }, { account_id: accountIds[1] }, { group_id: group.id }];
    const counts = kinds.map(
      (_, kind) => Array.from({ length: POSTS }).filter((__, at) => at % 3 === kind).length,
    );
    const expected = [0, 1].map((at) => firstSlots((counts[at] ?? 0) + (counts[2] ?? 0)));
    const posts = await sendAll((number) => kinds[number % 3] ?? {});
    for (const [at, accountId] of accountIds.entries()) {
      const own = posts.filter(({ account_id }) => account_id === accountId);
      assert.deepEqual(own.map(({ scheduled_at }) => scheduled_at).sort(), expected[at]);
      assert.deepEqual(await given(accountId), expected[at]);
    }
  });
});
