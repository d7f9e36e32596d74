import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { LISTENER_NAME, openListener } from '../../src/db/listener.ts';
import { type TestDatabase, testDatabase, waitFor } from '../support/stack.ts';

describe('the listener of events', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  before(async () => {
    database = await testDatabase();
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
  });
  after(async () => {
    await admin.end();
    await database.drop();
  });

  const notify = (userId: string) => admin.query('select pg_notify($1, $2)', ['videoflow_events', userId]);
  const connections = async () =>
    (
      await admin.query(
        'select pid from pg_stat_activity where application_name = $1 and datname = current_database()',
        [LISTENER_NAME],
      )
    ).rows.map(({ pid }) => pid as number);

  it('hears of users in order, on one connection, and lets go of it', async () => {
    const heard: (string | null)[] = [];
    const listener = await openListener({ databaseUrl: database.url, hear: (id) => heard.push(id) });
    for (const id of ['a', 'b', 'c']) await notify(id);
    await waitFor(() => heard.length >= 3, { what: 'three notifications' });
    assert.deepEqual(heard, ['a', 'b', 'c']);
    assert.equal((await connections()).length, 1);
    await listener.close();
    await waitFor(async () => (await connections()).length === 0, { what: 'the end of the connection' });
  });

  it('says that it was away when its connection was killed, and hears again', async () => {
    const heard: (string | null)[] = [];
    const listener = await openListener({ databaseUrl: database.url, hear: (id) => heard.push(id) });
    for (let round = 1; round <= 3; round += 1) {
      const [pid] = await connections();
      await admin.query('select pg_terminate_backend($1)', [pid]);
      await waitFor(() => heard.length === 2 * round - 1, { what: 'the word of a new connection' });
      await notify(`user ${round}`);
      await waitFor(() => heard.length === 2 * round, { what: 'a notification' });
    }
    assert.deepEqual(heard, [null, 'user 1', null, 'user 2', null, 'user 3']);
    await listener.close();
  });

  it('notices a server that has vanished without a word, and ends while it is away', async () => {
    const line = await openLine(database.url);
    const heard: (string | null)[] = [];
    const listener = await openListener({
      databaseUrl: line.url,
      hear: (id) => heard.push(id),
      askEveryMs: 50,
      answerWithinMs: 200,
    });
    line.freeze();
    await notify('nobody hears');
    await waitFor(() => line.attempts() > 1, { what: 'another connection' });
    line.thaw();
    await waitFor(() => heard.length > 0, { what: 'the word of a new connection' });
    await notify('b');
    await waitFor(() => heard.length > 1, { what: 'a notification' });
    assert.deepEqual(heard, [null, 'b']);
    line.freeze();
    await listener.close();
    line.close();
  });

  it('begins as soon as there is a server, and says so', async () => {
    const line = await openLine(database.url);
    line.freeze();
    const heard: (string | null)[] = [];
    const listener = await openListener({
      databaseUrl: line.url,
      hear: (id) => heard.push(id),
      answerWithinMs: 100,
    });
    line.thaw();
    await waitFor(() => heard.length > 0, { what: 'the word of the first connection' });
    assert.deepEqual(heard, [null]);
    await listener.close();
    line.close();
  });
});

/** A way to the database on which, when it is frozen, nothing is refused and nothing comes through. */
async function openLine(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let attempts = 0;
  const server = createServer((near) => {
    attempts += 1;
    const far = connectTo(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      let isDead = isFrozen;
      from.on('data', (bytes) => {
        isDead ||= isFrozen;
        if (!isDead) to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    attempts: () => attempts,
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
