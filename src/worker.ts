import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  DefaultLogger,
  type LogEntry,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { type ActivityDeps, groupActivities } from '../activities/index.ts';
import { translateFailures } from '../activities/interceptor.ts';
import { createNewsBell } from '../activities/newsBell.ts';
import { createWebhookDelivery } from '../activities/webhookDelivery.ts';
import { startAnnouncer } from './announcer.ts';
import { createCaptionWriter } from './captions/index.ts';
import { type Config, loadConfig } from './config.ts';
import { createDb } from './db/index.ts';
import { presenceQueue, type Queue } from './domain/queues.ts';
import { createEgress } from './egress/index.ts';
import { DiskFullError } from './errors.ts';
import { createFlows, type Engine } from './flows.ts';
import { createLog, type Log } from './log.ts';
import { createMedia, type Media } from './media/index.ts';
import { createScratch, type Scratch } from './media/scratch.ts';
import { createTelegramBot } from './notifiers/telegram/index.ts';
import { createWebhookSender } from './notifiers/webhook/index.ts';
import { createPublishers } from './publishers/index.ts';
import { createSealer } from './secrets/sealing.ts';
import { createStorage } from './storage/index.ts';
import { createTranscriber } from './transcriber/index.ts';
import { findWorkflowBundle } from './workflowBundle.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** How often a worker makes sure of the reconciler and the schedule: a lost engine comes back without them. */
const ENSURE_MS = 30_000;
const CONNECT_RETRY_MS = 1000;
const SWEEP_MS = 60_000;

/** The queues whose work needs ffmpeg. */
const MEDIA_QUEUES = ['media', 'encode'] as const satisfies Queue[];

/** How each queue is worked on. */
async function queueOptions(
  queue: Queue,
  config: Config,
  activities: object,
): Promise<Partial<WorkerOptions>> {
  const slots: Record<Queue, number> = {
    workflows: config.WORKFLOW_SLOTS,
    media: config.MEDIA_SLOTS,
    encode: config.ENCODE_SLOTS,
    net: config.NET_SLOTS,
    speech: config.SPEECH_SLOTS,
    notify: config.NOTIFY_SLOTS,
    publish: config.PUBLISH_SLOTS,
  };
  const work = { activities, maxConcurrentActivityTaskExecutions: slots[queue] };
  if (queue !== 'workflows') return work;
  return {
    ...work,
    workflowBundle: await findWorkflowBundle(config.WORKFLOW_BUNDLE),
    maxConcurrentWorkflowTaskExecutions: config.WORKFLOW_SLOTS,
    maxCachedWorkflows: config.MAX_CACHED_WORKFLOWS,
  };
}

const createWorker = async (own: Promise<Partial<WorkerOptions>>, options: WorkerOptions): Promise<Worker> =>
  Worker.create({ ...options, ...(await own) });

/** Builds what activities join, takes up the queues of WORKER_QUEUES and works until asked to stop. */
async function main(): Promise<void> {
  const config = loadConfig();
  const root = createLog({ level: config.LOG_LEVEL, program: 'worker' });
  const log = root.child({ module: 'worker' });
  installRuntime(config, root);
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was left alone'));
  const db = await createDb({ databaseUrl: config.DATABASE_URL, poolMax: config.DATABASE_POOL_MAX });
  const flows = createFlows({ config, log: root });
  const scratch = createScratch({ dir: config.SCRATCH_DIR, log: root.child({ module: 'scratch' }) });
  await scratch.sweep();
  const bell = createNewsBell();
  const adapters = await createAdapters(config, root);
  await assertMediaTools(config, adapters.media, scratch, log);
  // What happens from now on is told by it.
  if (adapters.telegramBot) await db.telegramBots.ensure(adapters.telegramBot.bot);
  const webhookDelivery = createWebhookDelivery({ config, db, log, bell, ...adapters });
  const deps = { config, log: root, db, flows, scratch, bell, webhookDelivery, ...adapters };
  const groups = groupActivities(deps);
  const activities = Object.assign({}, ...Object.values(groups));

  const connection = await connect(config, log);
  const { TEMPORAL_NAMESPACE: namespace } = config;
  const workers = await Promise.all(
    config.WORKER_QUEUES.flatMap((queue) => [
      showPresence(queue, { connection, namespace }),
      createWorker(queueOptions(queue, config, activities), {
        connection,
        namespace,
        taskQueue: queue,
        // Without this a cancel reaches ffmpeg only after tens of seconds.
        maxHeartbeatThrottleInterval: '1 second',
        shutdownGraceTime: config.SHUTDOWN_GRACE_SEC * 1000,
        shutdownForceTime: (config.SHUTDOWN_GRACE_SEC + 30) * 1000,
        dataConverter: { failureConverterPath: here('../workflows/failureConverter.ts') },
        interceptors: { activity: [translateFailures(root)] },
      }),
    ]),
  );
  const standing = await startStanding(deps);
  const stop = (signal: string) => {
    log.info({ signal }, 'stopping: no new work, the work at hand has its grace');
    void standing.close();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  log.info({ queues: config.WORKER_QUEUES }, 'working');
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    await standing.close();
    await Promise.allSettled([scratch.dispose(), flows.close(), db.close(), connection.close()]);
  }
}

/** What activities join with the rows and the engine: one outside thing each. */
async function createAdapters(config: Config, log: Log) {
  const egress = createEgress({ config });
  return {
    storage: await createStorage({ config, log }),
    media: createMedia({ config, log }),
    egress,
    sealer: createSealer(config.ENCRYPTION_KEYS),
    transcriber: createTranscriber({ config, log }),
    captionWriter: createCaptionWriter({ config, log }),
    telegramBot: createTelegramBot({ config }),
    publishers: createPublishers({ config }),
    webhookSender: createWebhookSender({ send: egress.send, timeoutSec: config.WEBHOOK_TIMEOUT_SEC }),
  };
}

/** Begins what goes on beside the queues. `close` ends it, with the work at hand, and begins nothing more. */
async function startStanding(deps: ActivityDeps): Promise<{ close(): Promise<void> }> {
  const { bell, flows, scratch } = deps;
  const announcer = await announce(deps);
  const log = deps.log.child({ module: 'worker' });
  const watch = setInterval(() => void ensureStanding(flows, log), ENSURE_MS);
  const sweep = setInterval(() => void scratch.sweep(), SWEEP_MS);
  void ensureStanding(flows, log);
  const end = async () => {
    clearInterval(watch);
    clearInterval(sweep);
    bell.stop();
    await announcer?.close();
  };
  let ended: Promise<void> | null = null;
  return {
    close: () => {
      ended ??= end();
      return ended;
    },
  };
}

/** Has what happens told from here, where it is this worker's to do. */
async function announce({ config, db, flows, log, bell, webhookDelivery, telegramBot }: ActivityDeps) {
  if (!config.WORKER_QUEUES.includes('notify')) return null;
  const of = { bot: telegramBot?.bot ?? null, delivery: webhookDelivery, ring: bell.ring };
  return startAnnouncer({ db, flows, log: log.child({ module: 'announcer' }), ...of });
}

/** Polls where nothing is ever to be done; see `presenceQueue`. */
const showPresence = (queue: Queue, options: Pick<WorkerOptions, 'connection' | 'namespace'>) =>
  Worker.create({
    ...options,
    taskQueue: presenceQueue(queue),
    activities: { answerNothing: async () => undefined },
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
  });

/**
 * Refuses to take up work that this machine's ffmpeg cannot do: the steps would fail one after the other.
 *
 * @throws MediaToolError
 */
async function assertMediaTools(config: Config, media: Media, scratch: Scratch, log: Log): Promise<void> {
  if (!MEDIA_QUEUES.some((queue) => config.WORKER_QUEUES.includes(queue))) return;
  try {
    await scratch.withDir(async (folder) => {
      await scratch.assertRoom();
      await media.assertUsable(folder);
    });
  } catch (error) {
    // That may pass, and the steps wait for it.
    if (!(error instanceof DiskFullError)) throw error;
    log.warn({ err: error }, 'the disk is full: ffmpeg could not be tried out');
  }
}

/** Makes sure of what runs whether anybody asks for it or not. */
async function ensureStanding(flows: Engine, log: Log): Promise<void> {
  await flows
    .ensureReconcile()
    .catch((error: Error) => log.warn({ err: error }, 'the reconciler could not be made sure of'));
  await flows
    .ensureHousekeeping()
    .catch((error: Error) => log.warn({ err: error }, 'the housekeeping could not be scheduled'));
}

/** Waits for the engine: worker and server may be started in any order. */
async function connect(config: Config, log: Log): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
    } catch (error) {
      log.warn({ err: error }, 'the engine is not reachable yet');
      await delay(CONNECT_RETRY_MS);
    }
  }
}

function installRuntime(config: Config, log: Log): void {
  const engineLog = log.child({ module: 'temporal' });
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  // What a step or a run ended with stands in its row, its history and our own lines.
  const expected = /^(Activity failed|No workflows registered)/;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }: LogEntry) => {
      engineLog[expected.test(message) ? 'debug' : levels[level]]({ ...meta }, message);
    }),
    telemetryOptions: {
      metrics: { prometheus: { bindAddress: `${config.METRICS_HOST}:${config.WORKER_METRICS_PORT}` } },
    },
  });
}

await main().catch((error: unknown) => {
  createLog({ level: 'info', program: 'worker' })
    .child({ module: 'worker' })
    .fatal({ err: error }, 'the worker ended');
  process.exitCode = 1;
});
process.exit();
