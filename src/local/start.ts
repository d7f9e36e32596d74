import { join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { createFirstUser } from '../db/firstUser.ts';
import { migrate } from '../db/migrate.ts';
import { type ApplicationOptions, createApplication, waitUntilHealthy } from './application.ts';
import { describeReady, findFirstAccess, writeLocalFile } from './firstAccess.ts';
import { readOrMakeKeys } from './keys.ts';
import type { Part } from './part.ts';
import { choosePort, claimPort } from './ports.ts';
import { explainFailure } from './refusal.ts';
import { type Environment, previewConfig, readEnvironment, readLocalSettings } from './settings.ts';
import { type Foundation, prepareDataDir, startFoundation } from './stack.ts';
import { type StartLock, takeStartLock } from './startLock.ts';
import { onStopRequest } from './stopSignals.ts';

const isVerbose = process.argv.includes('--verbose');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Whoever depends on others is stopped before them. */
const STOP_ORDER = ['api', 'worker', 'temporal', 'postgres'];
const parts: Part[] = [];
let lock: StartLock | undefined;
let isStopping = false;

async function stop(exitCode: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  lock?.markStopping();
  if (parts.length > 0) say('Stopping …');
  const rank = (part: Part) => STOP_ORDER.indexOf(part.name);
  for (const part of parts.toSorted((a, b) => rank(a) - rank(b))) await part.stop();
  lock?.release();
  if (parts.length > 0) say('Everything is stopped.');
  process.exit(exitCode);
}

function stopHard(): void {
  say('Ending everything at once.');
  for (const part of parts) part.kill();
  lock?.release();
  process.exit(130);
}

/** Where this machine itself reaches the API. */
function findOwnUrl({ HOST, PORT }: Config): string {
  const isLoopback = ['0.0.0.0', '::', 'localhost', '127.0.0.1'].includes(HOST);
  const host = isLoopback ? '127.0.0.1' : HOST.includes(':') ? `[${HOST}]` : HOST;
  return `http://${host}:${PORT}`;
}

/** The ports of our own programs. */
async function choosePorts(env: Environment) {
  const { HOST, PORT, METRICS_HOST, METRICS_PORT, WORKER_METRICS_PORT } = previewConfig(env);
  const chooseMetricsPort = async (variable: string, liked: number) =>
    choosePort({
      what: 'metrics',
      variable,
      pinned: env[variable] ? liked : undefined,
      liked: [liked],
      host: METRICS_HOST,
    });
  const port = await claimPort({ what: 'the API', variable: 'PORT', port: PORT, host: HOST });
  return {
    PORT: String(port),
    METRICS_PORT: String(await chooseMetricsPort('METRICS_PORT', METRICS_PORT)),
    WORKER_METRICS_PORT: String(await chooseMetricsPort('WORKER_METRICS_PORT', WORKER_METRICS_PORT)),
  };
}

async function startEverything(): Promise<void> {
  const env = readEnvironment(resolve('.env'), process.env);
  const settings = readLocalSettings(env);
  const config = previewConfig(env);
  const dataDir = config.DATA_DIR;
  say(`videoflow: starting, data in ${dataDir}`);
  prepareDataDir(dataDir);
  lock = await takeStartLock(join(dataDir, 'start.lock'), say);
  const keys = readOrMakeKeys(env, dataDir);
  const ports = await choosePorts(env);
  const show = (name: string, line: string) => (isVerbose ? say(`${name}: ${line}`) : undefined);
  const foundation = await startFoundation(
    { env, config, settings, dataDir, isThrowAway: false, say, show },
    (part) => parts.push(part),
  );
  await startApplication({ env: { ...env, ...keys, ...ports }, foundation });
}

async function startApplication(given: { env: Environment; foundation: Foundation }): Promise<void> {
  const { databaseUrl, temporalAddress, temporalUiUrl, ffmpeg, record } = given.foundation;
  const env = { ...given.env, ...ffmpeg, DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress };
  const config = previewConfig(env);
  const applied = await migrate(databaseUrl);
  say(applied.length > 0 ? `Database: applied ${applied.join(', ')}` : 'Database: up to date');

  const dataDir = config.DATA_DIR;
  const apiUrl = findOwnUrl(config);
  const options: ApplicationOptions = { env, config, apiUrl, dataDir, record, isVerbose, say };
  const { api, worker } = createApplication(options);
  say('Starting the API and a worker');
  parts.push(api, worker);
  await Promise.all([api.start(), worker.start()]);
  await waitUntilHealthy([api, worker], options);

  const localFile = join(dataDir, 'local.json');
  const settings = readLocalSettings(env);
  const access = await findFirstAccess({
    file: localFile,
    apiUrl,
    username: settings.FIRST_USERNAME,
    password: settings.FIRST_PASSWORD,
    createFirstUser: (user) => createFirstUser({ databaseUrl, ...user }),
  });
  const addresses = {
    api_url: config.PUBLIC_URL,
    temporal_address: temporalAddress,
    temporal_ui_url: temporalUiUrl,
    database_url: databaseUrl,
  };
  writeLocalFile(localFile, addresses, access);
  say(describeReady(addresses, access, localFile));
}

onStopRequest(() => void stop(0), stopHard);
try {
  await startEverything();
} catch (error) {
  // What fails because everything is being stopped is no news.
  if (!isStopping) process.stderr.write(`\n${explainFailure(error)}\n\n`);
  await stop(1);
}
