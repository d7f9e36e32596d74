import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { runMark } from './stack.ts';

const PAGE = fileURLToPath(new URL('./uploadPage.js', import.meta.url));

/** Gives the path of a browser that can run without a screen; null where there is none. */
export function findBrowser(): string | null {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // The next one, perhaps.
    }
  return null;
}

/** A site of an origin of its own, with the upload page on it. */
export interface Site {
  origin: string;
  /** Opens the page in a browser and gives what it reports. */
  visit(browser: string, settings: Record<string, string>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Serves the upload page, bundled as a site would do it. */
export async function openSite(): Promise<Site> {
  const { outputFiles } = await build({
    entryPoints: [PAGE],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    logLevel: 'error',
  });
  const reports = new Map<string, (report: Record<string, unknown>) => void>();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/page.js') return response.end(outputFiles[0]?.text);
    if (pathname === '/report') {
      reports.get(searchParams.get('visit') ?? '')?.((await json(request)) as Record<string, unknown>);
      return response.end();
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end('<!doctype html><title>Upload</title><script src="/page.js"></script>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let visits = 0;
  return {
    origin,
    visit: async (browser, settings) => {
      const profile = await mkdtemp(join(tmpdir(), 'vf-browser-'));
      visits += 1;
      const visit = String(visits);
      const { promise: report, resolve } = Promise.withResolvers<Record<string, unknown>>();
      reports.set(visit, resolve);
      const child = startBrowser(
        browser,
        profile,
        `${origin}/?${new URLSearchParams({ ...settings, visit })}`,
      );
      const ended = once(child, 'exit');
      try {
        return await Promise.race([
          report,
          ended.then(([code]) => Promise.reject(new Error(`the browser ended with ${code}`))),
        ]);
      } finally {
        // Its children, too: they are a group of their own.
        if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
        await ended;
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const startBrowser = (browser: string, profile: string, url: string): ChildProcess =>
  spawn(
    browser,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...['--disable-extensions', '--disable-background-networking', `--user-data-dir=${profile}`, url],
    ],
    { stdio: 'ignore', detached: true, env: { PATH: process.env.PATH, ...runMark(), HOME: profile } },
  );
