/**
 * So many events within some seconds to each of many webhooks, of which some hang: how long after an event the others
 * have it: `node bench/webhooks.ts [--rounds 1] [--users 10] [--each 50] [--hanging 50] [--events 20] [--sec 10]`.
 *
 * Ours is everything: events in the database, engine, worker, rows of deliveries and attempts. The floor is the same
 * number of signed requests at the same times, by the same way out, with nothing around it. Both take turns.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { newId } from '../src/db/ids.ts';
import { createEgress } from '../src/egress/index.ts';
import { createWebhookSender } from '../src/notifiers/webhook/index.ts';
import { makeWebhookSecret } from '../src/secrets/webhookSecret.ts';
import { createDeliveries, type Deliveries, type MadeWebhook } from '../test/support/delivering.ts';
import { startTestEngine, type TestEngine } from '../test/support/engine.ts';
import { waitFor } from '../test/support/stack.ts';
import { startBenchStack } from './stack.ts';

const AIM_MS = 5000;
const GIVE_UP_MS = 120_000;
const NETWORKS = '127.0.0.0/8';

interface Sizes {
  users: number;
  each: number;
  hanging: number;
  events: number;
  sec: number;
}

interface Report {
  /** Of the processor, by whoever sends. */
  cpuSec?: number;
  latenciesMs: number[];
  repetitions: number;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function ask<Answer>(sink: ChildProcess, message: string): Promise<Answer> {
  const answer = once(sink, 'message');
  sink.send(message);
  return (await answer)[0] as Answer;
}

/** Calls at the time of each event of each user, those of one user evenly apart. */
async function atTimes(
  { users, events, sec }: Sizes,
  happen: (user: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = Date.now();
  const running: Promise<unknown>[] = [];
  for (let at = 0; at < users * events; at++) {
    const dueAt = startedAt + (at * sec * 1000) / (users * events);
    await delay(Math.max(dueAt - Date.now(), 0));
    running.push(happen(at % users));
  }
  await Promise.all(running);
}

const isHanging = ({ users, each, hanging }: Sizes, index: number): boolean =>
  index % Math.max(Math.floor((users * each) / Math.max(hanging, 1)), 1) === 0 &&
  index / Math.floor((users * each) / Math.max(hanging, 1)) < hanging;

const pathOf = (sizes: Sizes, index: number): string =>
  isHanging(sizes, index) ? `/hang/${index}` : `/well/${index}`;

/** Waits until the sink has everything, and gives how it came. */
async function untilAll(sink: ChildProcess, count: number): Promise<Report> {
  const isThere = async () => (await ask<{ count: number }>(sink, 'count')).count >= count;
  await waitFor(isThere, { what: 'all deliveries', timeoutMs: GIVE_UP_MS, everyMs: 200 });
  return ask<Report>(sink, 'report');
}

async function measureOurs(sizes: Sizes, base: string, sink: ChildProcess): Promise<Report> {
  const engine = await startTestEngine({
    ...{ EGRESS_ALLOW_CIDRS: NETWORKS, WORKER_QUEUES: 'workflows,notify', LOG_LEVEL: 'warn' },
    RECONCILE_INTERVAL_SEC: '15',
  });
  const deliveries = await createDeliveries(engine);
  try {
    const users = await makeWebhooks(sizes, base, engine, deliveries);
    const { pid } = engine.startWorker();
    await waitFor(async () => (await engine.flows.health()).pollers.notify > 0, {
      what: 'a worker',
      timeoutMs: 60_000,
    });
    await delay(3000);
    const before = cpuSecOf(pid);
    await atTimes(sizes, (user) => deliveries.tell(1, { userId: users[user] ?? '' }));
    const report = await untilAll(sink, (sizes.users * sizes.each - sizes.hanging) * sizes.events);
    return { ...report, cpuSec: cpuSecOf(pid) - before };
  } finally {
    await deliveries.close();
    await engine.close();
  }
}

async function makeWebhooks(
  sizes: Sizes,
  base: string,
  engine: TestEngine,
  deliveries: Deliveries,
): Promise<string[]> {
  const users: string[] = [];
  for (let user = 0; user < sizes.users; user++) {
    const userId = await engine.addUser();
    users.push(userId);
    for (let at = 0; at < sizes.each; at++)
      await deliveries.addWebhook(base + pathOf(sizes, user * sizes.each + at), { userId });
  }
  return users;
}

/** The floor: each endpoint has its four places, as ours. */
async function measureBare(sizes: Sizes, base: string, sink: ChildProcess): Promise<Report> {
  const egress = createEgress({ config: { EGRESS_ALLOW_CIDRS: [NETWORKS] } });
  const sender = createWebhookSender({ send: egress.send, timeoutSec: 15 });
  const all = Array.from({ length: sizes.users * sizes.each }, (_, index) => index);
  const endpoints = all.map(
    (index): Pick<MadeWebhook, 'url' | 'secret'> => ({
      url: base + pathOf(sizes, index),
      secret: makeWebhookSecret(),
    }),
  );
  const hanging: Promise<unknown>[] = [];
  const before = cpuSecOf(process.pid);
  await atTimes(sizes, async (user) => {
    const timestamp = new Date().toISOString();
    const id = newId();
    const body = Buffer.from(
      JSON.stringify({ id, type: 'video.ready', timestamp, data: { title: 'A test' } }),
    );
    const own = endpoints.slice(user * sizes.each, (user + 1) * sizes.each);
    const sent = own.map(({ url, secret }) => sender.send({ url, secrets: [secret] }, { id, body }));
    hanging.push(...sent);
  });
  const report = await untilAll(sink, (sizes.users * sizes.each - sizes.hanging) * sizes.events);
  const cpuSec = cpuSecOf(process.pid) - before;
  await Promise.allSettled(hanging);
  return { ...report, cpuSec };
}

/** Linux only: user and system time, fields 14 and 15 of proc(5), in hundredths of a second. */
function cpuSecOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function show(name: string, { latenciesMs, repetitions, cpuSec = 0 }: Report): number {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
  say(
    `${name}: ${sorted.length} deliveries, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms, ${repetitions} came twice, ${cpuSec.toFixed(1)} s of a processor`,
  );
  return at(0.95);
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    users: { type: 'string', default: '10' },
    each: { type: 'string', default: '50' },
    hanging: { type: 'string', default: '50' },
    events: { type: 'string', default: '20' },
    sec: { type: 'string', default: '10' },
  },
});
const { rounds, ...numbers } = Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, Number(value)]),
) as unknown as Sizes & { rounds: number };
const stack = await startBenchStack(say);
const sink = fork(fileURLToPath(new URL('./webhookSink.ts', import.meta.url)));
try {
  const [{ port }] = (await once(sink, 'message')) as [{ port: number }];
  const base = `http://127.0.0.1:${port}`;
  for (let round = 0; round < rounds; round++) {
    say(`load of the machine before: ${loadavg()[0]?.toFixed(1)}`);
    show('bare', await measureBare(numbers, base, sink));
    say(`load of the machine before: ${loadavg()[0]?.toFixed(1)}`);
    const p95 = show('ours', await measureOurs(numbers, base, sink));
    say(p95 <= AIM_MS ? 'within the aim' : 'beyond the aim');
  }
} finally {
  sink.kill();
  await stack.stop();
}
