import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestApi } from './api.ts';
import { runMark } from './stack.ts';

const SERVER = fileURLToPath(new URL('../../src/server.ts', import.meta.url));

export interface ApiProcess {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Serves a test's database and storage by another process, as a second machine would. No engine hears of what
 * happens there.
 *
 * @param env what the test's own API was started with
 */
export async function startApiProcess(api: TestApi, env: Record<string, string> = {}): Promise<ApiProcess> {
  const child = spawn(process.execPath, [SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ...runMark(),
      NODE_ENV: 'test',
      ENCRYPTION_KEYS: api.config.ENCRYPTION_KEYS.map(
        ({ id, bytes }) => `${id}:${bytes.toString('base64')}`,
      ).join(),
      SIGNING_KEYS: api.config.SIGNING_KEYS.map(
        ({ id, bytes }) => `${id}:${bytes.toString('base64')}`,
      ).join(),
      DATABASE_URL: api.databaseUrl,
      DATA_DIR: api.config.DATA_DIR,
      PUBLIC_URL: api.config.PUBLIC_URL,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      MIN_FREE_BYTES: '1',
      RATE_LIMIT_PER_MINUTE: String(api.config.RATE_LIMIT_PER_MINUTE),
      ...env,
      PORT: '0',
      METRICS_PORT: '0',
    },
  });
  const ended = once(child, 'exit');
  const port = await Promise.race([readPort(child.stdout), ended.then(() => null)]);
  if (port === null) throw new Error('the second API process ended at its start');
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Reads the log until the process listens, and goes on reading, for a full pipe would hold it up. */
function readPort(stdout: NodeJS.ReadableStream): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  createInterface({ input: stdout }).on('line', (line) => {
    const { msg, port } = JSON.parse(line);
    if (msg === 'listening') resolve(port);
  });
  return promise;
}
