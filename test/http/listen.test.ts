import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import Koa from 'koa';
import { listen } from '../../src/http/listen.ts';
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
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
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
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    const running = fetch(`http://127.0.0.1:${server.port}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await waitFor(isRunning, { what: 'the request to begin' });
    const startedAt = Date.now();
    assert.equal(await Promise.race([server.close(0.2), delay(5000, -1, { ref: false })]), 1);
    assert.ok(Date.now() - startedAt < 2000);
    assert.equal(await running, 'cut');
  });
});
