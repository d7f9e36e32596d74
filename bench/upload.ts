/**
 * Uploads against a bare Node pipe: `node bench/upload.ts [--mib 1024] [--rounds 5]`.
 *
 * The same curl sends the same file to the API, raw, as a form and as one PATCH of a resumable upload, and to
 * `barePipe.ts`, in turns, within one run, to the same disk; all sides sync file and folder before they answer.
 * The ratio of a round compares neighbours in time, so that a disk that changes its mood changes it for all.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { type Launched, launch, launchApi, MIB, makeUploader, makeVideo, median, readMemory } from './api.ts';
import { startDatabase } from './postgres.ts';

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, rounds: { type: 'string', default: '5' } },
});
const sizeMib = Number(values.mib);
const rounds = Number(values.rounds);

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));
// The user that Postgres runs as must be able to pass through it.
chmodSync(folder, 0o711);

interface Side {
  name: string;
  pid: number;
  aim: string;
  /** Gives the address to send to; what it takes to get one is not measured. */
  address: () => Promise<string>;
  /** How curl hands over the file; `-T` and `-F` read it piece by piece. */
  send: string[];
  status: number;
}

/** Uploads once. @returns MB/s as the client sees it, from its first byte to the answer */
async function measure(side: Side, token: string): Promise<number> {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--fail-with-body', '--output', '/dev/null'],
    ...['--header', 'Expect:', '--header', `Authorization: Bearer ${token}`],
    ...['--write-out', '%{http_code} %{time_total}', ...side.send, await side.address()],
  ]);
  const [status, seconds] = stdout.split(' ').map(Number);
  if (status !== side.status || !seconds) throw new Error(`${side.name} was answered ${status}`);
  return (sizeMib * MIB) / 1e6 / seconds;
}

/** Begins a resumable upload. @returns its address */
async function createUpload(apiUrl: string, token: string): Promise<string> {
  const response = await fetch(`${apiUrl}/v1/uploads`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'tus-resumable': '1.0.0',
      'upload-length': String(sizeMib * MIB),
    },
  });
  const location = response.headers.get('location');
  if (response.status !== 201 || !location) throw new Error(`An upload was answered ${response.status}`);
  return apiUrl + new URL(location).pathname;
}

/** Every side begins with a disk that has nothing left to write and nothing stored. */
function clear(stored: string[]): void {
  for (const dir of stored) for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  execFileSync('sync');
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
      aim: side.aim,
      'RSS idle MB': Math.round(idle.get(side.name) ?? 0),
      'RSS peak MB': Math.round(readMemory(side.pid).peak),
    };
  });
  process.stdout.write(`${sizeMib} MiB, ${rounds} rounds; the API's peak may be 250 MB\n`);
  console.table(rows);
}

const children: Launched[] = [];
const database = await startDatabase(folder);
try {
  const [video, bareDir, storageDir] = ['video', 'bare', 'storage'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  makeVideo(video, sizeMib);
  const stored = [bareDir, join(storageDir, 'sources'), join(storageDir, 'uploads')];
  for (const dir of stored) mkdirSync(dir, { recursive: true });
  const token = await makeUploader(database.url);
  const api = await launchApi({ databaseUrl: database.url, dataDir: folder, storageDir });
  const bare = launch('barePipe.ts', [bareDir], {});
  children.push(api.child, bare);
  const [barePort] = await once(bare.stdout, 'data');
  const post = ['--request', 'POST'];
  const raw = [...post, '--header', 'Content-Type: video/mp4', '--upload-file', video];
  const patch = [
    ...['--request', 'PATCH', '--header', 'Tus-Resumable: 1.0.0', '--header', 'Upload-Offset: 0'],
    ...['--header', 'Content-Type: application/offset+octet-stream', '--upload-file', video],
  ];
  const pid = api.child.pid ?? 0;
  const videos = async () => `${api.url}/v1/videos`;
  const sides: Side[] = [
    {
      name: 'bare pipe',
      address: async () => `http://127.0.0.1:${String(barePort).trim()}`,
      pid: bare.pid ?? 0,
      aim: '',
      send: raw,
      status: 202,
    },
    { name: 'API, raw body', address: videos, pid, aim: '0.8', send: raw, status: 202 },
    {
      name: 'API, form',
      address: videos,
      pid,
      aim: '0.55',
      send: [...post, '--form', `file=@${video}`],
      status: 202,
    },
    {
      name: 'API, tus in one PATCH',
      address: () => createUpload(api.url, token),
      pid,
      aim: '0.6',
      send: patch,
      status: 204,
    },
  ];
  const idle = new Map(sides.map((side) => [side.name, readMemory(side.pid).now]));
  const speeds = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    // Whoever comes first in a round comes last in the next.
    for (const side of round % 2 ? sides.toReversed() : sides) {
      clear(stored);
      speeds.get(side.name)?.push(await measure(side, token));
    }
  }
  report(sides, speeds, idle);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
