/**
 * Uploads against a bare Node pipe: `node bench/upload.ts [--mib 1024] [--rounds 5]`.
 *
 * The same curl sends the same file to the API, raw and as a form, and to `barePipe.ts`, in turns, within
 * one run, to the same disk; all sides sync file and folder before they answer. The ratio of a round
 * compares neighbours in time, so that a disk that changes its mood changes it for all.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { makeRingKey } from '../src/config.ts';
import { createDb } from '../src/db/index.ts';
import { findFreePort } from '../src/local/ports.ts';
import { hashToken, makeToken } from '../src/secrets/token.ts';
import { startDatabase } from './postgres.ts';

const MIB = 1024 * 1024;
const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, rounds: { type: 'string', default: '5' } },
});
const sizeMib = Number(values.mib);
const rounds = Number(values.rounds);

const run = promisify(execFile);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));
// The user that Postgres runs as must be able to pass through it.
chmodSync(folder, 0o711);

/** A file that begins as an MP4 does; the rest is noise, as compressed video is. */
function makeVideo(path: string): void {
  const noise = randomFillSync(Buffer.alloc(MIB));
  const file = openSync(path, 'w');
  for (let written = 0; written < sizeMib; written += 1) {
    noise.write(written === 0 ? '\0\0\0\x18ftypmp42' : `block ${written}`, 'latin1');
    writeSync(file, noise);
  }
  closeSync(file);
}

interface Side {
  name: string;
  url: string;
  pid: number;
  /** How curl hands over the file; `-T` and `-F` read it piece by piece. */
  send: string[];
}

/** Uploads once. @returns MB/s as the client sees it, from its first byte to the answer */
async function measure(side: Side, token: string): Promise<number> {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--fail-with-body', '--output', '/dev/null', '--request', 'POST'],
    ...['--header', 'Expect:', '--header', `Authorization: Bearer ${token}`],
    ...['--write-out', '%{http_code} %{time_total}', ...side.send, side.url],
  ]);
  const [status, seconds] = stdout.split(' ').map(Number);
  if (status !== 202 || !seconds) throw new Error(`${side.name} was answered ${status}`);
  return (sizeMib * MIB) / 1e6 / seconds;
}

/** Memory of a process in MB: now, and the most it ever was. */
function readMemory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (field: string) => (Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6;
  return { now: mb('VmRSS'), peak: mb('VmHWM') };
}

/** Every side begins with a disk that has nothing left to write and nothing stored. */
function clear(stored: string[]): void {
  for (const dir of stored) for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  execFileSync('sync');
}

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

function launch(script: string, args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [here(script), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  return child;
}

/** The API as it is, with an engine that is away: whether it is there must not matter to an upload. */
async function launchApi(databaseUrl: string, storageDir: string) {
  const port = await findFreePort();
  const child = launch('../src/server.ts', [], {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${await findFreePort()}`,
    SIGNING_KEYS: makeRingKey('b'),
    ENCRYPTION_KEYS: makeRingKey('b'),
    DATA_DIR: folder,
    STORAGE_DIR: storageDir,
    PORT: String(port),
    METRICS_PORT: '0',
    LOG_LEVEL: 'error',
  });
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error('The API ended');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { child, url };
}

async function makeUploader(databaseUrl: string): Promise<string> {
  const db = await createDb({ databaseUrl, poolMax: 1 });
  const token = makeToken();
  const user = await db.users.insert({
    username: 'bench',
    passwordHash: 'none',
    name: null,
    scopes: ['write'],
  });
  await db.tokens.insert({
    userId: user.id,
    name: null,
    hash: hashToken(token),
    scopes: ['write'],
    expiresAt: null,
  });
  await db.close();
  return token;
}

function report(sides: Side[], speeds: Map<string, number[]>, idle: Map<string, number>): void {
  const rows = sides.map((side) => {
    const own = speeds.get(side.name) ?? [];
    const bare = speeds.get('bare pipe') ?? [];
    return {
      side: side.name,
      'MB/s': Math.round(median(own)),
      slowest: Math.round(Math.min(...own)),
      fastest: Math.round(Math.max(...own)),
      'ratio to bare': median(own.map((speed, round) => speed / (bare[round] ?? Number.NaN))).toFixed(2),
      'RSS idle MB': Math.round(idle.get(side.name) ?? 0),
      'RSS peak MB': Math.round(readMemory(side.pid).peak),
    };
  });
  process.stdout.write(`${sizeMib} MiB, ${rounds} rounds; aims: raw 0.8, form 0.55, peak 250 MB\n`);
  console.table(rows);
}

const children: ReturnType<typeof launch>[] = [];
const database = await startDatabase(folder);
try {
  const [video, bareDir, storageDir] = ['video', 'bare', 'storage'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  makeVideo(video);
  for (const dir of [bareDir, join(storageDir, 'sources')]) mkdirSync(dir, { recursive: true });
  const token = await makeUploader(database.url);
  const api = await launchApi(database.url, storageDir);
  const bare = launch('barePipe.ts', [bareDir], {});
  children.push(api.child, bare);
  const [barePort] = await once(bare.stdout, 'data');
  const raw = ['--header', 'Content-Type: video/mp4', '--upload-file', video];
  const sides: Side[] = [
    { name: 'bare pipe', url: `http://127.0.0.1:${String(barePort).trim()}`, pid: bare.pid ?? 0, send: raw },
    { name: 'API, raw body', url: `${api.url}/v1/videos`, pid: api.child.pid ?? 0, send: raw },
    {
      name: 'API, form',
      url: `${api.url}/v1/videos`,
      pid: api.child.pid ?? 0,
      send: ['--form', `file=@${video}`],
    },
  ];
  const idle = new Map(sides.map(({ name, pid }) => [name, readMemory(pid).now]));
  const speeds = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    // Whoever comes first in a round comes last in the next.
    for (const side of round % 2 ? sides.toReversed() : sides) {
      clear([bareDir, join(storageDir, 'sources')]);
      speeds.get(side.name)?.push(await measure(side, token));
    }
  }
  report(sides, speeds, idle);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
