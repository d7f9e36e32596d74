/**
 * From the last byte to `ready` with thumbnail and storyboard, against the very argument lists that were
 * logged for that video, run by hand two at a time: `node bench/ready.ts [--rounds 5] [--only '60 s']`.
 *
 * Ours is everything: sync, row, start of the workflow, four steps with their records, and the tools. By hand
 * is a shell script of the tools alone, at once after ours on the same stored file. Both take turns in one
 * run, so that a machine that changes its mood changes it for both; a round's ratio compares neighbours.
 */
import { createReadStream, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ApiProcess, startTestEngine, type TestEngine } from '../test/support/engine.ts';
import { waitFor } from '../test/support/stack.ts';
import { runByHand, type ToolLine } from './byHand.ts';
import { startBenchStack } from './stack.ts';
import { sampleVideo, VIDEO_NAMES, type VideoName } from './videos.ts';

const AIM = 1.25;
const POLL_MS = 500;
const SETTLE_MS = 500;
const GIVE_UP_MS = 300_000;
/** Browsers play these videos as they are. */
const DONE = ['succeeded', 'skipped'];

interface Step {
  name: string;
  state: string;
  started_at: string;
  ended_at: string;
}

interface Round {
  answeredMs: number;
  readyMs: number;
  doneMs: number;
  byHandMs: number;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Sends a file as a raw body. @returns the video's id, and the times of the last byte and of the answer */
function upload(
  api: ApiProcess,
  path: string,
): Promise<{ id: string; lastByteAt: number; answeredAt: number }> {
  return new Promise((resolve, reject) => {
    let lastByteAt = 0;
    const outgoing = request(`${api.url}/v1/videos`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${api.token}`,
        'content-type': 'video/mp4',
        'content-length': statSync(path).size,
      },
    });
    outgoing.on('finish', () => {
      lastByteAt = Date.now();
    });
    outgoing.on('response', async (response) => {
      const body = (await response.toArray()).join('');
      const answeredAt = Date.now();
      if (response.statusCode !== 202)
        reject(new Error(`The upload was answered ${response.statusCode}: ${body}`));
      else resolve({ id: JSON.parse(body).id, lastByteAt, answeredAt });
    });
    outgoing.on('error', reject);
    createReadStream(path, { highWaterMark: 1024 * 1024 })
      .on('error', reject)
      .pipe(outgoing);
  });
}

/** Waits for all steps. Their own times are read: asking seldom costs no accuracy, asking often would cost time. */
async function untilDone(api: ApiProcess, id: string): Promise<Step[]> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (;;) {
    const headers = { authorization: `Bearer ${api.token}` };
    const response = await fetch(`${api.url}/v1/videos/${id}/steps`, { headers });
    const { data } = (await response.json()) as { data: Step[] };
    if (data.every(({ state }) => DONE.includes(state))) return data;
    if (data.some(({ state }) => state === 'failed') || Date.now() > giveUpAt) throw new Error('not ready');
    await delay(POLL_MS);
  }
}

const endOf = (steps: Step[], ...names: string[]): number =>
  Math.max(...steps.filter(({ name }) => names.includes(name)).map((step) => Date.parse(step.ended_at)));

async function measure(engine: TestEngine, api: ApiProcess, path: string): Promise<Round> {
  const before = (await engine.workerLog()).length;
  const { id, lastByteAt, answeredAt } = await upload(api, path);
  const steps = await untilDone(api, id);
  // The last lines may still be on their way through the worker's pipe.
  await delay(SETTLE_MS);
  const lines = (await engine.workerLog()).slice(before).filter(({ argv }) => Array.isArray(argv));
  const byHandMs = await runByHand(
    lines as unknown as ToolLine[],
    engine.config.SCRATCH_DIR,
    join(engine.config.DATA_DIR, 'by-hand'),
  );
  await remove(api, id);
  return {
    answeredMs: answeredAt - lastByteAt,
    readyMs: endOf(steps, 'source', 'probe') - lastByteAt,
    doneMs: endOf(steps, ...steps.map(({ name }) => name)) - lastByteAt,
    byHandMs,
  };
}

/** The disk should not fill up, and the next round should not wait for the removal. */
async function remove(api: ApiProcess, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${api.token}` };
  await fetch(`${api.url}/v1/videos/${id}`, { method: 'DELETE', headers });
  await delay(SETTLE_MS);
}

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

/** The best of all rounds is what the machine can do when nobody else wants it. */
function summarise(name: VideoName, all: Round[]) {
  const of = (key: keyof Round) => all.map((round) => round[key]);
  const typical = (key: keyof Round) => Math.round(median(of(key)));
  const best = (key: keyof Round) => Math.round(Math.min(...of(key)));
  const ratio = median(all.map(({ doneMs, byHandMs }) => doneMs / byHandMs));
  return {
    video: name,
    'by hand ms': typical('byHandMs'),
    'ours ms': typical('doneMs'),
    'answered ms': typical('answeredMs'),
    'ready ms': typical('readyMs'),
    ratio: ratio.toFixed(2),
    verdict: ratio <= AIM ? 'as aimed' : 'falls short',
    'best by hand': best('byHandMs'),
    'best ours': best('doneMs'),
    'of the bests': (best('doneMs') / best('byHandMs')).toFixed(2),
  };
}

async function main(rounds: number, names: VideoName[]): Promise<void> {
  const paths = new Map<VideoName, string>();
  for (const name of names) paths.set(name, await sampleVideo(name));
  const engine = await startTestEngine({ RECONCILE_INTERVAL_SEC: '15' });
  try {
    const api = await engine.startApi();
    engine.startWorker();
    await waitFor(async () => (await engine.workerLog()).some(({ msg }) => msg === 'working'), {
      what: 'the worker',
      timeoutMs: 60_000,
    });
    const results = new Map<VideoName, Round[]>(names.map((name) => [name, []]));
    // The first round warms up and is thrown away.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, path] of paths) {
        const measured = await measure(engine, api, path);
        if (round > 0) results.get(name)?.push(measured);
      }
      say(`round ${round} of ${rounds}`);
    }
    say(
      `From the last byte to all steps done against the same tools by hand; ${rounds} rounds, medians, aim ${AIM}`,
    );
    console.table([...results].map(([name, all]) => summarise(name, all)));
  } finally {
    await engine.close();
  }
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
});
const stack = await startBenchStack(say);
try {
  await main(
    Number(values.rounds),
    VIDEO_NAMES.filter((name) => name.startsWith(values.only)),
  );
} finally {
  await stack.stop();
}
process.exit();
