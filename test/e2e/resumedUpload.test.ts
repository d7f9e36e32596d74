import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeBigVideo } from '../support/bigVideo.ts';
import { type CutProxy, openCutProxy } from '../support/cutProxy.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { type Random, seededRandom, waitFor } from '../support/stack.ts';

const MIB = 1024 ** 2;
const TUS_CLIENT = fileURLToPath(new URL('../support/tusClient.ts', import.meta.url));
const CLIENT_KILLS = 5;
const API_KILLS = 2;
/** What Linux lets a connection hold that nobody has read yet, where it is not told otherwise (tcp(7), tcp_rmem). */
const USUAL_RECEIVE_BUFFER_BYTES = 6 * MIB;
/** The system's buffer dies with the API's process: what is larger than usual is sent again, too. */
const MOST_SENT_AGAIN_BYTES = 16 * MIB + Math.max(0, receiveBufferBytes() - USUAL_RECEIVE_BUFFER_BYTES);

const isCampaign = Boolean(process.env.CAMPAIGN);
const SIZE = isCampaign ? 1024 * MIB : 256 * MIB;
const RUNS = isCampaign ? 20 : 1;
const AT_ONCE = 3;

type Victim = 'client' | 'api';
type Client = ChildProcess & { ended: Promise<[number | null, string | null]> };

describe(`an upload of ${SIZE / MIB} MiB by tus-js-client`, () => {
  let engine: TestEngine;
  let dir: string;

  before(async function () {
    this.timeout(60_000);
    dir = await mkdtemp(join(tmpdir(), 'vf-resumed-'));
    engine = await startTestEngine({ MIN_FREE_BYTES: '1', RATE_LIMIT_PER_MINUTE: '100000' });
    engine.startWorker();
  });
  after(async () => {
    await engine?.close();
    await rm(dir, { recursive: true, force: true });
  });

  for (let first = 1; first <= RUNS; first += AT_ONCE) {
    const runs = Array.from({ length: Math.min(AT_ONCE, RUNS - first + 1) }, (_, n) => first + n);
    it(`survives ${CLIENT_KILLS} kills of the client and ${API_KILLS} of the API (${runs})`, async function () {
      this.timeout(isCampaign ? 900_000 : 240_000);
      const ends = await Promise.allSettled(runs.map((run) => survive(engine, join(dir, `${run}.mp4`), run)));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    });
  }
});

async function survive(engine: TestEngine, file: string, run: number): Promise<void> {
  const random = seededRandom(`resumed ${run}`);
  const sha256 = await writeBigVideo(file, SIZE, `${run} of ${random.int(0, 1e9)}`);
  const startedAt = performance.now();
  const { api, again } = await uploadUnderFire(engine, file, random);
  if (isCampaign || process.env.VERBOSE) tellFigures(run, startedAt, again);
  assert.ok(
    again.every(({ bytes }) => bytes <= MOST_SENT_AGAIN_BYTES),
    `sent again: ${JSON.stringify(again)}`,
  );

  const headers = { authorization: `Bearer ${api.token}` };
  const list = async (query = ''): Promise<{ id: string; status: string; size_bytes: number }[]> => {
    const answer = await fetch(`${api.url}/v1/videos${query}`, { headers });
    return ((await answer.json()) as { data: [] }).data;
  };
  const ready = await waitFor(async () => (await list()).find(({ status }) => status === 'ready'), {
    what: 'the video to be ready',
    timeoutMs: 120_000,
  });
  assert.equal((await list()).length, 1, 'one video was made');
  assert.deepEqual(await list('?status=awaiting_upload'), [], 'and none was begun besides');
  assert.equal(ready.size_bytes, SIZE);
  assert.equal(await hashOf(`${api.url}/v1/videos/${ready.id}/download`, headers), sha256);
  await fetch(`${api.url}/v1/videos/${ready.id}`, { method: 'DELETE', headers });
  await Promise.all([api.kill('SIGKILL'), rm(file)]);
}

function receiveBufferBytes(): number {
  const [, , most = '0'] = readFileSync('/proc/sys/net/ipv4/tcp_rmem', 'latin1').split(/\s+/);
  return Number(most);
}

function tellFigures(run: number, startedAt: number, again: SentAgain[]): void {
  const tookSec = ((performance.now() - startedAt) / 1000).toFixed(1);
  const mib = again.map(
    ({ victim, bytes, patches }) =>
      `${victim} ${(bytes / MIB).toFixed(1)}${patches > 1 ? ` (${patches})` : ''}`,
  );
  console.log(`      ${run}: ${tookSec} s, sent again: ${mib.join(', ')} MiB`);
}

/**
 * Uploads a file, while what takes part in it is killed at random bytes.
 *
 * @returns the API that is left, and how many bytes were sent again after each kill
 */
async function uploadUnderFire(engine: TestEngine, file: string, random: Random) {
  const port = await findServerPort(random);
  const proxy = await openCutProxy({ port });
  const settings = { PORT: String(port), PUBLIC_URL: proxy.url };
  const first = await engine.startApi(settings);
  let api: ApiProcess = first;
  const startClient = () => {
    const args = [TUS_CLIENT, `${proxy.url}/v1/uploads`, first.token, file, `${file}.json`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    // From the first moment: one that gives up while the API comes back would never be heard of.
    return Object.assign(child, { ended: once(child, 'exit') as Promise<[number | null, string | null]> });
  };
  let client = startClient();
  const kills: Kill[] = [];
  try {
    for (const { victim, positionBytes } of planKills(random)) {
      await Promise.race([proxy.reached(positionBytes), failIfEnded(client)]);
      kills.push({ victim, patch: proxy.patches.length - 1 });
      if (victim === 'client') {
        await killClient(client);
        client = startClient();
      } else {
        await api.kill('SIGKILL');
        // The same address: a client only sees connections that are refused for a while.
        api = { ...(await engine.startApi(settings)), token: first.token };
      }
    }
    const [code] = await client.ended;
    assert.equal(code, 0, 'the last client was satisfied');
    return { api: { ...api, token: first.token }, again: sentAgain(proxy, kills) };
  } finally {
    client.kill('SIGKILL');
    await proxy.close();
  }
}

/** At random bytes, but early enough that much is still to come. */
function planKills(random: Random): { victim: Victim; positionBytes: number }[] {
  const positions = Array.from({ length: CLIENT_KILLS + API_KILLS }, () => random.int(1, SIZE * 0.9));
  const victims: Victim[] = Array.from({ length: CLIENT_KILLS }, () => 'client');
  for (let kill = 0; kill < API_KILLS; kill += 1) victims.splice(random.int(0, victims.length), 0, 'api');
  return positions
    .sort((a, b) => a - b)
    .map((positionBytes, n) => ({ positionBytes, victim: victims[n] as Victim }));
}

const failIfEnded = async ({ ended }: Client) => {
  const [code, signal] = await ended;
  throw new Error(`the client ended before it could be killed: ${code ?? signal}`);
};

async function killClient(client: Client): Promise<void> {
  assert.ok(client.kill('SIGKILL'), 'the client is in mid-upload');
  await client.ended;
}

interface Kill {
  victim: Victim;
  /** The PATCH that it hit. */
  patch: number;
}

interface SentAgain {
  victim: Victim;
  bytes: number;
  /** How many requests it took to go on. */
  patches: number;
}

/**
 * After each kill: from where a PATCH had come to, back to where the next one began; for all up to the next kill.
 * Counted is every byte that left the client, those in the buffers of proxy and system, too.
 */
function sentAgain({ patches, bytesIn }: CutProxy, kills: readonly Kill[]): SentAgain[] {
  const all = patches.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  assert.ok(all >= SIZE && all <= bytesIn(), 'every byte of the bodies was seen');
  const backBytes = patches.slice(1).map(({ offsetBytes }, n) => {
    const { offsetBytes: from = 0, sentBytes = 0 } = patches[n] ?? {};
    return from + sentBytes - offsetBytes;
  });
  return kills.map(({ victim, patch }, n) => {
    const back = backBytes.slice(patch, kills[n + 1]?.patch ?? patches.length);
    return { victim, bytes: back.reduce((sum, bytes) => sum + bytes, 0), patches: back.length };
  });
}

/** Below those that a system gives to outgoing connections: one of them could take the port while the API is down. */
async function findServerPort(random: Random): Promise<number> {
  for (;;) {
    const port = random.int(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}

async function hashOf(url: string, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(url, { headers });
  const hash = createHash('sha256');
  for await (const chunk of answer.body ?? []) hash.update(chunk);
  return hash.digest('hex');
}
