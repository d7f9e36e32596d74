import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeRingKey } from '../src/config.ts';
import type { Scope } from '../src/db/entities/user.ts';
import { createDb } from '../src/db/index.ts';
import { findFreePort } from '../src/local/ports.ts';
import { hashToken, makeToken } from '../src/secrets/token.ts';

export const MIB = 1024 * 1024;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export type Launched = ReturnType<typeof launch>;

/** Runs one of our programs with just this environment; its output can be read, its errors are shown. */
export function launch(script: string, args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [...args.filter(isNodeFlag), here(script), ...args.filter(isPlain)], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  return child;
}

const isNodeFlag = (arg: string) => arg.startsWith('--');
const isPlain = (arg: string) => !isNodeFlag(arg);

/** The API as it is, with an engine that is away: whether it is there must not matter to an upload. */
export async function launchApi({
  databaseUrl,
  dataDir,
  storageDir,
}: {
  databaseUrl: string;
  dataDir: string;
  storageDir: string;
}): Promise<{ child: Launched; url: string }> {
  const port = await findFreePort();
  const child = launch('../src/server.ts', ['--max-semi-space-size=4'], {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${await findFreePort()}`,
    SIGNING_KEYS: makeRingKey('b'),
    ENCRYPTION_KEYS: makeRingKey('b'),
    DATA_DIR: dataDir,
    STORAGE_DIR: storageDir,
    PORT: String(port),
    METRICS_PORT: '0',
    LOG_LEVEL: 'error',
    // One user asks for all that is measured.
    RATE_LIMIT_PER_MINUTE: '1000000',
  });
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error('The API ended');
    await delay(100);
  }
  return { child, url };
}

/** Makes a user that may upload, or do something else. @returns its token */
export async function makeUploader(
  databaseUrl: string,
  { username = 'bench', scopes = ['write'] }: { username?: string; scopes?: Scope[] } = {},
): Promise<string> {
  const db = await createDb({ databaseUrl, poolMax: 1 });
  const token = makeToken();
  const user = await db.users.insert({
    username,
    passwordHash: 'none',
    name: null,
    scopes,
  });
  await db.tokens.insert({
    userId: user.id,
    name: null,
    hash: hashToken(token),
    scopes,
    expiresAt: null,
  });
  await db.close();
  return token;
}

/** Makes a file that begins as an MP4 does; the rest is noise, as compressed video is. */
export function makeVideo(path: string, sizeMib: number): void {
  const noise = randomFillSync(Buffer.alloc(MIB));
  const file = openSync(path, 'w');
  for (let written = 0; written < sizeMib; written += 1) {
    noise.write(written === 0 ? '\0\0\0\x18ftypmp42' : `block ${written}`, 'latin1');
    writeSync(file, noise);
  }
  closeSync(file);
}

/** Memory of a process in MB: now, and the most it ever was. */
export function readMemory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (field: string) => (Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6;
  return { now: mb('VmRSS'), peak: mb('VmHWM') };
}

export const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
