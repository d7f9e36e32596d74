import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import Koa from 'koa';
import { listen } from '../../src/http/listen.ts';
import { PROBLEM_SCHEMA } from '../../src/http/problems.ts';
import { rawExchange } from '../support/rawHttp.ts';
import { waitFor } from '../support/stack.ts';

describe('a server that is told to stop', () => {
  /** An app whose answers wait until they are let go. */
  function slowApp() {
    const app = new Koa();
    let finish = () => {};
    let isRunning = false;
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    app.use(async (ctx) => {
      if (ctx.path === '/slow') {
        isRunning = true;
        await held;
      }
      ctx.body = 'done';
    });
    return { app, finish: () => finish(), isRunning: () => isRunning };
  }

  it('finishes what runs, takes nothing new and ends idle connections', async () => {
    const { app, finish, isRunning } = slowApp();
    const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: 'http://videoflow.test' });
    const url = `http://127.0.0.1:${server.port}`;
    // Leaves a kept-alive connection behind.
    assert.equal(await (await fetch(url)).text(), 'done');
    const running = fetch(`${url}/slow`);
    await waitFor(isRunning, { what: 'the request to begin' });
    let isClosed = false;
    const closing = server.close(30).then((cut) => {
      isClosed = true;
      return cut;
    });
    await waitFor(
      () =>
        fetch(url).then(
          () => false,
          () => true,
        ),
      { what: 'new requests to be refused' },
    );
    assert.equal(isClosed, false);
    finish();
    assert.equal(await (await running).text(), 'done');
    assert.equal(await closing, 0);
  });

  it('cuts what still runs when its grace is over', async () => {
    const { app, isRunning } = slowApp();
    const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: 'http://videoflow.test' });
    const running = fetch(`http://127.0.0.1:${server.port}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await waitFor(isRunning, { what: 'the request to begin' });
    const startedAt = Date.now();
    assert.equal(await Promise.race([server.close(0.2, 0.1), delay(5000, -1, { ref: false })]), 1);
    assert.ok(Date.now() - startedAt < 2000);
    assert.equal(await running, 'cut');
  });

  it('lets what it cut put its things away', async () => {
    const app = new Koa();
    let state = 'idle';
    app.use(async (ctx) => {
      state = 'running';
      await once(ctx.res, 'close');
      await delay(100);
      state = 'put away';
    });
    const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: 'http://videoflow.test' });
    fetch(`http://127.0.0.1:${server.port}/`).catch(() => {});
    await waitFor(() => state === 'running', { what: 'the request to begin' });
    await server.close(0.1);
    assert.equal(state, 'put away');
  });
});

describe('a server that gets what is no request', () => {
  for (const [what, request, status, code] of [
    ['another protocol', 'SSH-2.0-client\r\n\r\n', 400, 'malformed_request'],
    ['a bad request line', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'malformed_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
      'malformed_request',
    ],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ] as const) {
    it(`answers ${what} with a problem, and closes`, async () => {
      const app = new Koa().use((ctx) => {
        ctx.body = 'reached';
      });
      const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: 'http://videoflow.test' });
      try {
        const startedAt = Date.now();
        const answer = await rawExchange(server.port, request);
        assert.ok(Date.now() - startedAt < 4000, 'the connection is closed');
        const [head = '', body = ''] = answer.split('\r\n\r\n');
        assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
        assert.match(head, /\r\nContent-Type: application\/problem\+json\r\n/);
        const problem = PROBLEM_SCHEMA.parse(JSON.parse(body));
        assert.equal(problem.code, code);
        assert.equal(problem.status, status);
        assert.match(head, new RegExp(`\r\nX-Request-Id: ${problem.request_id}\r\n`));
      } finally {
        await server.close(1);
      }
    });
  }
});
