import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { findBrowser } from '../support/browser.ts';
import { type Browser, startBrowser } from '../support/devtools.ts';
import { happen } from '../support/happenings.ts';

/** As a page reads events: with its token and the last number it knows, until there are so many. */
const READ = `async (url, token, lastId, count) => {
  const headers = { Accept: 'text/event-stream', Authorization: 'Bearer ' + token, 'Last-Event-ID': lastId };
  const leave = new AbortController();
  const response = await fetch(url, { headers, signal: leave.signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const ids = () => [...text.matchAll(/^id: (\\d+)\\nevent: /gm)].map(([, id]) => Number(id));
  while (ids().length < count) text += (await reader.read()).value;
  leave.abort();
  return ids();
}`;

describe('a page of another origin that reads events, in a browser', function () {
  this.timeout(60_000);
  const executable = findBrowser() ?? '';
  let browser: Browser;
  let site: Server;
  let origin: string;
  let api: TestApi;
  let user: TestUser;

  before(async function () {
    // The skip shows in the run's last line.
    if (executable === '') this.skip();
    site = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end('<!doctype html><title>Events</title>');
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    [api, browser] = await Promise.all([startApi({ CORS_ORIGINS: origin }), startBrowser(executable)]);
    user = await api.makeUser();
  });
  after(async () => {
    site?.closeAllConnections();
    site?.close();
    await Promise.all([browser?.close(), api?.close()]);
  });

  it('gets what it missed and what happens, and goes on where it was', async () => {
    const tab = await browser.open(origin);
    const read = (lastId: number, count: number) =>
      tab.evaluate<number[]>(
        `(${READ})(${JSON.stringify(`${api.url}/v1/events`)}, '${user.token}', '${lastId}', ${count})`,
      );
    await happen(api, user.id, { count: 3 });
    const first = read(1, 4);
    await happen(api, user.id, { count: 2 });
    assert.deepEqual(await first, [2, 3, 4, 5]);
    await happen(api, user.id, { count: 2 });
    assert.deepEqual(await read(5, 2), [6, 7]);
    await tab.close();
  });

  it('gets nothing when its origin is not allowed', async () => {
    const tab = await browser.open(origin.replace('127.0.0.1', 'localhost'));
    const outcome = await tab.evaluate(
      `(${READ})(${JSON.stringify(`${api.url}/v1/events`)}, '${user.token}', '0', 1).catch(String)`,
    );
    assert.match(String(outcome), /Failed to fetch/);
    await tab.close();
  });
});
