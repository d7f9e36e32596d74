import { type Config, loadConfig } from './config.ts';
import { createDb } from './db/index.ts';
import { createFlows } from './flows.ts';
import { createApp } from './http/app.ts';
import { EventHub } from './http/events/hub.ts';
import { warnOfFewFiles } from './http/events/openFiles.ts';
import { listen } from './http/listen.ts';
import { createLog, type Log } from './log.ts';
import { addEventStreamsGauge, addStuckItemsGauge, createHttpMetrics, serveMetrics } from './metrics.ts';
import { createStorage } from './storage/index.ts';

/** Builds what the routes work with, serves them, and stops gracefully when asked to. */
async function main(config: Config, root: Log): Promise<void> {
  const log = root.child({ module: 'server' });
  const metrics = createHttpMetrics();
  const db = await createDb({ databaseUrl: config.DATABASE_URL, poolMax: config.DATABASE_POOL_MAX });
  addStuckItemsGauge(metrics.registry, async () => ({ ...(await db.health.countStuck()) }));
  const flows = createFlows({ config, log: root });
  const storage = await createStorage({ config, log: root });
  const events = new EventHub({ db, config, log: root });
  addEventStreamsGauge(metrics.registry, () => events.openCount);
  await warnOfFewFiles({ streams: config.EVENT_STREAMS_MAX, log });
  const app = createApp({ config, log: root, db, flows, storage, metrics, events });
  const metricsServer = await serveMetrics({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    registry: metrics.registry,
  });
  const api = await listen(app, {
    host: config.HOST,
    port: config.PORT,
    publicUrl: config.PUBLIC_URL,
    endStreams: () => events.close(),
  });
  log.info({ host: config.HOST, port: api.port, metrics_port: metricsServer.port }, 'listening');

  const signal = await stopSignal();
  log.info({ signal }, 'stopping: no new requests, the running ones have their grace');
  const cut = await api.close(config.SHUTDOWN_GRACE_SEC);
  if (cut > 0) log.warn({ cut }, 'requests were cut at the end of the grace');
  await Promise.allSettled([flows.close(), db.close(), metricsServer.close()]);
  log.info('stopped');
}

const stopSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });

let root = createLog({ level: 'info', program: 'api' });
try {
  const config = loadConfig();
  root = createLog({ level: config.LOG_LEVEL, program: 'api' });
  process.on('unhandledRejection', (error) =>
    root.error({ module: 'server', err: error }, 'a promise was left alone'),
  );
  await main(config, root);
} catch (error) {
  root.fatal({ module: 'server', err: error }, 'the API ended');
  process.exitCode = 1;
}
process.exit();
