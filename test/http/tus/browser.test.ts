import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { startApi, type TestApi, type TestUser } from '../../support/api.ts';
import { waitFor } from '../../support/stack.ts';
import { MIB } from '../../support/uploading.ts';

const PAGE = fileURLToPath(new URL('browserPage.ts', import.meta.url));
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];

const findBrowser = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));

/** What the page told. */
interface Outcome {
  byTus: string;
  byUppy: { uploaded: string[]; refused: string[] };
}

describe('a browser on a page of another origin', () => {
  let api: TestApi;
  let user: TestUser;
  let pages: Server;
  let profile: string;
  let browser: ChildProcess | undefined;
  let outcome: (Partial<Outcome> & { error?: string }) | undefined;
  const executable = findBrowser();

  before(async function () {
    // Without one the skip shows in the run's last line.
    if (!executable) this.skip();
    const { outputFiles } = await build({ entryPoints: [PAGE], bundle: true, format: 'esm', write: false });
    pages = createServer(async (request, response) => {
      if (request.url === '/outcome') outcome = JSON.parse(await text(request));
      if (request.url === '/settings')
        response.end(JSON.stringify({ apiUrl: api.url, token: user.token, sizeBytes: 8 * MIB }));
      else if (request.url === '/page.js')
        response.setHeader('content-type', 'text/javascript').end(outputFiles[0]?.text);
      else
        response.setHeader('content-type', 'text/html').end('<script type="module" src="/page.js"></script>');
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    profile = await mkdtemp(join(tmpdir(), 'vf-browser-'));
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    api = await startApi({ CORS_ORIGINS: origin });
    api.config.PUBLIC_URL = api.url;
    user = await api.makeUser();
    // A browser of root has no sandbox; it sees nothing but our own page.
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      `--user-data-dir=${profile}`,
    ];
    browser = spawn(executable, [...flags, origin], { stdio: 'ignore' });
  });
  after(async () => {
    if (browser && browser.exitCode === null) {
      browser.kill();
      await once(browser, 'exit');
    }
    pages?.closeAllConnections();
    pages?.close();
    await api?.close();
    if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  it('uploads with tus-js-client and with Uppy as they are, and reads why a file is refused', async () => {
    const told = await waitFor(() => outcome, { what: 'the page to tell', timeoutMs: 50_000 });
    assert.equal(told.error, undefined);
    const { byTus, byUppy } = told as Outcome;
    assert.equal(byUppy.uploaded.length, 1);
    for (const url of [byTus, ...byUppy.uploaded]) {
      const { body } = await api.call(new URL(url).pathname, { token: user.token });
      assert.deepEqual([body.state, body.offset], ['complete', 8 * MIB]);
    }
    assert.equal(byUppy.refused.length, 1);
    assert.match(byUppy.refused[0] ?? '', /unsupported_media/);
    const videos = await api.sql('select title from videos order by title');
    assert.deepEqual(
      videos.map(({ title }) => title),
      ['notes', 'tus', 'uppy'],
    );
  });
});
