import assert from 'node:assert/strict';
import type { Flows } from '../../src/flows.ts';
import { createApp } from '../../src/http/app.ts';
import { EventHub } from '../../src/http/events/hub.ts';
import { listen as serve } from '../../src/http/listen.ts';
import { createLog } from '../../src/log.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { type ApiProcess, startApiProcess } from '../support/apiProcess.ts';
import { openDeaf } from '../support/deafReader.ts';
import { type EventStream, openEventStream } from '../support/eventStream.ts';
import { happen } from '../support/happenings.ts';
import { waitFor } from '../support/stack.ts';

const silent = createLog({ level: 'silent', program: 'test' });
/** What is promised, and what a busy machine may take on top. */
const AT_ONCE_MS = 5000;

describe('the end of a stream of events', () => {
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi({ EVENT_STREAMS_MAX: '6' });
  });
  beforeEach(async () => {
    user = await api.makeUser();
  });
  after(() => api.close());

  const listen = (token = user.token, url = api.url) => openEventStream(`${url}/v1/events`, { token });
  const ask = (token: string) => api.call('/v1/events', { token, headers: { accept: 'text/event-stream' } });
  const endOf = async (stream: EventStream): Promise<{ tookMs: number; inOrder: boolean }> => {
    const startedAt = performance.now();
    const inOrder = await stream.ended;
    return { tookMs: performance.now() - startedAt, inOrder };
  };
  const lastLine = (userId: string) =>
    waitFor(
      () => api.logLines().findLast(({ ended_by, user_id }) => ended_by !== undefined && user_id === userId),
      { what: 'the line of the stream' },
    );

  const losses: [string, (tokenId: string, userId: string) => Promise<unknown>][] = [
    ['token is revoked', (id) => api.db.tokens.revoke(id, null)],
    ['token expires', (id) => api.sql('update tokens set expires_at = now() where id = $1', [id])],
    ['token may not read', (id) => api.sql(`update tokens set scopes = '{write}' where id = $1`, [id])],
    ['user may not read', (_, id) => api.sql(`update users set scopes = '{write}' where id = $1`, [id])],
    ['user is deleted', (_, id) => api.sql('delete from users where id = $1', [id])],
  ];
  it('comes soon when its right does: revoked, expired, without the scope, or its user gone', async () => {
    const asked = losses.map(async ([what, lose]) => {
      const { id, token } = await api.makeUser();
      const stream = await listen(token);
      const [row] = await api.sql('select id from tokens where user_id = $1', [id]);
      await lose(row.id, id);
      const { tookMs, inOrder } = await endOf(stream);
      assert.equal(inOrder, true, what);
      assert.ok(tookMs <= AT_ONCE_MS, `${what}: it took ${tookMs} ms`);
      assert.equal((await lastLine(id)).ended_by, 'token', what);
    });
    await Promise.all(asked);
  });

  it("leaves the user's other tokens alone", async () => {
    const kept = await listen(await api.makeToken(user.id));
    const lost = await listen();
    const [row] = await api.sql('select id from tokens where user_id = $1 order by id limit 1', [user.id]);
    await api.db.tokens.revoke(row.id, user.id);
    await lost.ended;
    await happen(api, user.id);
    await kept.until(({ lastId }) => lastId === '1');
    kept.close();
  });

  it('makes room: so many streams for one user, so many for all', async () => {
    const others = [await api.makeUser(), await api.makeUser()];
    const mine = [await listen(), await listen(), await listen()];
    const fourth = await ask(user.token);
    assert.deepEqual([fourth.status, fourth.body.code], [429, 'too_many_streams']);
    assert.ok(Number(fourth.headers.get('retry-after')) > 0);
    const theirs = [
      await listen(others[0]?.token),
      await listen(others[0]?.token),
      await listen(others[1]?.token),
    ];
    const seventh = await ask(others[1]?.token ?? '');
    assert.deepEqual([seventh.status, seventh.body.code], [503, 'streams_unavailable']);
    assert.ok(Number(seventh.headers.get('retry-after')) > 0);
    mine[0]?.close();
    const again = await waitFor(async () => (await ask(user.token)).status === 200, {
      what: 'a place that is free again',
    });
    assert.equal(again, true);
    for (const stream of [...mine, ...theirs]) stream.close();
    await waitFor(async () => (await ask(user.token)).status === 200, { what: 'all places to be free' });
  });

  it('or that there is to be none, is said to HEAD as to GET', async () => {
    const ask = async (query = '') => {
      const headers = { accept: 'text/event-stream' };
      const options = { method: 'HEAD', token: user.token, headers };
      return (await api.call(`/v1/events${query}`, options)).status;
    };
    await happen(api, user.id, { count: 9 });
    await api.sql('update feeds set expired_sequence = 5 where user_id = $1', [user.id]);
    assert.deepEqual([await ask('?after=4'), await ask('?after=5')], [410, 200]);
    const mine = [await listen(), await listen(), await listen()];
    assert.equal(await ask(), 429);
    for (const stream of mine) stream.close();
    await waitFor(async () => (await ask()) === 200, { what: 'a free place' });
  });

  it('comes for a reader that takes nothing for long, and not for one that has nothing to take', async () => {
    const config = { ...api.config, EVENT_STREAMS_MAX: 10 };
    const events = new EventHub({ db: api.db, config, log: silent, stalledMs: 300 });
    const parts = { config, log: silent, db: api.db, storage: api.storage, flows: {} as Flows, events };
    const server = await serve(createApp(parts), {
      ...{ host: '127.0.0.1', port: 0, publicUrl: config.PUBLIC_URL, endStreams: () => events.close() },
    });
    const url = `http://127.0.0.1:${server.port}`;
    const deaf = await openDeaf(url, user.token);
    const quiet = await listen(await api.makeToken((await api.makeUser()).id), url);
    // More than what the systems between hold.
    await happen(api, user.id, { count: 600, sizeBytes: 20_000 });
    await waitFor(() => events.openCount === 1, { what: 'the end of the stream' });
    quiet.close();
    deaf.close();
    await server.close(1);
  });

  describe('of a process that is told to stop', () => {
    let other: ApiProcess;
    before(async () => {
      other = await startApiProcess(api, { SHUTDOWN_GRACE_SEC: '30' });
    });

    it('comes at once and in order, also for whom does not read, and takes nothing of the grace', async () => {
      const streams = await Promise.all([listen(user.token, other.url), listen(user.token, other.url)]);
      const deaf = await openDeaf(other.url, user.token);
      await happen(api, user.id, { count: 400, sizeBytes: 30_000 });
      await waitFor(() => streams[0]?.told().length === 400, { what: 'the events' });
      const startedAt = performance.now();
      process.kill(other.pid, 'SIGTERM');
      for (const stream of streams) assert.equal(await stream.ended, true);
      assert.ok(performance.now() - startedAt < 2000);
      await waitFor(() => !isAlive(other.pid), { what: 'the end of the process' });
      assert.ok(performance.now() - startedAt < 8000);
      deaf.close();
    });
    after(() => other.stop());
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
