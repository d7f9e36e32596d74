/**
 * Event streams of one API process: `node bench/eventStreams.ts [--streams 2000] [--users 1] [--rounds 20] [--idle 20]`. Its
 * memory with all of them open, and how long an event takes to one and to all, made through the same process and another.
 */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launchApi, makeUploader, median, readMemory } from './api.ts';
import { startDatabase } from './postgres.ts';

const AIM_MB = 300;
const AIM_ONE_MS = 1000;
const AIM_ALL_MS = 2000;
const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '2000' },
    users: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '20' },
    idle: { type: 'string', default: '20' },
  },
});
const streams = Number(values.streams);
const users = Number(values.users);
const rounds = Number(values.rounds);

const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));
chmodSync(folder, 0o711);

/** A stream's reader: when each event came. */
interface Reader {
  arrivals: number[];
  close(): void;
}

async function openReader(apiUrl: string, token: string): Promise<Reader> {
  const request = get(`${apiUrl}/v1/events?types=video.created`, {
    agent: false,
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`A stream was answered ${response.statusCode}`);
  const arrivals: number[] = [];
  response.on('data', (bytes: Buffer) => {
    if (bytes.includes('event: video.created')) arrivals.push(performance.now());
  });
  request.on('error', () => undefined);
  return { arrivals, close: () => request.destroy() };
}

/** Makes something happen, again and again. @returns until the first and the last reader knew, in ms */
async function measure(apiUrl: string, token: string, readers: readonly Reader[]) {
  const first: number[] = [];
  const last: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = readers[0]?.arrivals.length ?? 0;
    const startedAt = performance.now();
    const made = await fetch(`${apiUrl}/v1/videos`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"title":"bench"}',
    });
    if (made.status !== 201) throw new Error(`It was answered ${made.status}`);
    while (readers.some(({ arrivals }) => arrivals.length <= before)) {
      if (performance.now() - startedAt > 30_000) throw new Error('An event has not come to all');
      await delay(5);
    }
    const tookMs = readers.map(({ arrivals }) => (arrivals[before] ?? 0) - startedAt);
    first.push(Math.min(...tookMs));
    last.push(Math.max(...tookMs));
    // Not always at the same moment of the second.
    await delay(50 + Math.random() * 200);
  }
  const round = (ms: number) => Math.round(ms * 10) / 10;
  return {
    'to the first, median': round(median(first)),
    'to all, median': round(median(last)),
    'to all, worst': round(Math.max(...last)),
  };
}

const database = await startDatabase(folder);
const stops: (() => void)[] = [];
try {
  const tokens: string[] = [];
  for (let user = 0; user < users; user += 1)
    tokens.push(await makeUploader(database.url, { username: `bench${user}`, scopes: ['read', 'write'] }));
  const [token = ''] = tokens;
  const places = { databaseUrl: database.url, dataDir: folder, storageDir: join(folder, 'storage') };
  const api = await launchApi(places);
  stops.push(() => void api.child.kill('SIGKILL'));
  const other = await launchApi(places);
  stops.push(() => void other.child.kill('SIGKILL'));
  const pid = api.child.pid ?? 0;
  const idle = readMemory(pid).now;

  const one = await openReader(api.url, token);
  const alone = {
    'through the same process': await measure(api.url, token, [one]),
    'through another process': await measure(other.url, token, [one]),
  };
  one.close();

  const readers: Reader[] = [];
  const openedAt = performance.now();
  while (readers.length < streams) {
    const batch = Array.from({ length: Math.min(50, streams - readers.length) }, (_, at) =>
      openReader(api.url, tokens[(readers.length + at) % users] ?? ''),
    );
    readers.push(...(await Promise.all(batch)));
  }
  const openingSec = (performance.now() - openedAt) / 1000;
  await delay(Number(values.idle) * 1000);
  const full = readMemory(pid);
  const own = readers.filter((_, at) => at % users === 0);
  const all = {
    'through the same process': await measure(api.url, token, own),
    'through another process': await measure(other.url, token, own),
  };
  const after = readMemory(pid);
  const worst = (measured: typeof all): number =>
    Math.max(...Object.values(measured).map((one) => one['to all, worst']));
  const judge = (value: number, aim: number): string => {
    if (value <= aim) return 'as aimed';
    process.exitCode = 1;
    return 'falls short';
  };

  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`One stream, ms; aim ${AIM_ONE_MS}: ${judge(worst(alone), AIM_ONE_MS)}`);
  console.table(alone);
  say(
    `${own.length} of ${streams} streams of ${users} users, opened in ${openingSec.toFixed(1)} s, ms; aim ${AIM_ALL_MS}: ${judge(worst(all), AIM_ALL_MS)}`,
  );
  console.table(all);
  say(`Resident memory of the API in MB; aim ${AIM_MB}`);
  console.table([
    {
      idle: Math.round(idle),
      [`${streams} idle streams`]: Math.round(full.now),
      'after the events': Math.round(after.now),
      peak: Math.round(after.peak),
      verdict: judge(after.peak, AIM_MB),
    },
  ]);
  for (const reader of readers) reader.close();
} finally {
  for (const stop of stops) stop();
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
