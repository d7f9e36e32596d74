import { setTimeout as delay } from 'node:timers/promises';
import type { HttpDeps } from './route.ts';

/** One part's state in words for an operator; the route is public, so it holds no addresses and no paths. */
export interface Check {
  ok: boolean;
  message: string;
}

export type Checks = Readonly<Record<string, Check>>;

export interface HealthChecks {
  /** Whether this process can take requests. */
  ready(): Promise<Checks>;
  /** Whether the whole installation works. */
  system(): Promise<Checks>;
}

const DEADLINE_MS = 2000;
/** For so long an answer is given again, so that asking often costs nothing. */
const KEPT_MS = 1000;

type Question = (deps: HttpDeps) => Promise<Check>;

const ok = (message: string): Check => ({ ok: true, message });
const bad = (message: string): Check => ({ ok: false, message });

const checkDatabase: Question = async ({ db }) => {
  await db.ping();
  return ok('answers');
};

const checkStorage: Question = async ({ storage }) => {
  await storage.ping();
  return ok('takes writes');
};

const checkTemporal: Question = async ({ flows }) =>
  (await flows.health()).reachable ? ok('reachable') : bad('not reachable');

const checkQueues: Question = async ({ flows, config }) => {
  const { pollers } = await flows.health();
  const alone = config.WORKER_QUEUES.filter((queue) => pollers[queue] === 0);
  return alone.length === 0 ? ok('a worker polls every queue') : bad(`no worker polls: ${alone.join(', ')}`);
};

const checkStuck: Question = async ({ db }) => {
  const stuck = Object.entries(await db.health.countStuck()).filter(([, count]) => count > 0);
  if (stuck.length === 0) return ok('nothing is stuck');
  return bad(`stuck: ${stuck.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
};

const checkDisk: Question = async ({ storage, config }) => {
  const free = await storage.freeBytes();
  return free === null || free >= config.MIN_FREE_BYTES
    ? ok('has room')
    : bad('less is free than MIN_FREE_BYTES: new uploads are refused');
};

const READY = { database: checkDatabase, storage: checkStorage };
const SYSTEM = { ...READY, temporal: checkTemporal, queues: checkQueues, stuck: checkStuck, disk: checkDisk };

/** Makes the checks of one process. Each is asked once at a time, whoever waits for it. */
export function createHealthChecks(deps: HttpDeps): HealthChecks {
  const asked = Object.fromEntries(
    Object.entries(SYSTEM).map(([name, question]) => [name, keptAnswer(() => question(deps))]),
  );
  const answer = async (names: string[]): Promise<Checks> =>
    Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await asked[name]?.()] as [string, Check])),
    );
  return { ready: () => answer(Object.keys(READY)), system: () => answer(Object.keys(SYSTEM)) };
}

/**
 * Bounds a question in time and keeps its answer for a moment. One that hangs is not asked again before
 * it ends, so that trouble does not pile up behind trouble.
 */
function keptAnswer(ask: () => Promise<Check>): () => Promise<Check> {
  let pending: Promise<Check> | undefined;
  let kept: { check: Check; untilMs: number } | undefined;
  const begin = () =>
    ask()
      .catch(() => bad('does not work'))
      .then((check) => {
        kept = { check, untilMs: performance.now() + KEPT_MS };
        pending = undefined;
        return check;
      });
  return () => {
    if (kept && performance.now() < kept.untilMs) return Promise.resolve(kept.check);
    pending ??= begin();
    const late = new AbortController();
    const timeout = delay(DEADLINE_MS, bad(`did not answer within ${DEADLINE_MS / 1000} s`), {
      signal: late.signal,
    }).catch(() => bad('not waited for'));
    return Promise.race([pending, timeout]).finally(() => late.abort());
  };
}
