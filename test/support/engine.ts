import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequiredEntityData } from '@mikro-orm/core';
import { Client, Connection } from '@temporalio/client';
import { type Config, loadConfig, makeRingKey } from '../../src/config.ts';
import { User } from '../../src/db/entities/user.ts';
import type { Video } from '../../src/db/entities/video.ts';
import { createFirstUser } from '../../src/db/firstUser.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { isFinalStep, OPTIONAL_STEPS, type StepName } from '../../src/domain/video.ts';
import { createFlows, type Engine, type Flows } from '../../src/flows.ts';
import { PROGRAMS } from '../../src/local/application.ts';
import { prepareNamespace } from '../../src/local/temporalNamespace.ts';
import { createLog } from '../../src/log.ts';
import { createStorage } from '../../src/storage/index.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { findQuietPort } from './quietPort.ts';
import { runMark, temporalAddress, testDatabase, uniqueName, waitFor } from './stack.ts';

/** A database, a namespace and folders of a test file's own, with as many worker processes as it starts. */
export interface TestEngine {
  config: Config;
  db: Db;
  flows: Flows & Engine;
  client: Client;
  storage: Storage;
  userId: string;
  /** Starts a worker process; settings override the configuration. */
  startWorker(settings?: Record<string, string>): ChildProgram;
  /** Starts an API process and gives its address, when it answers, and a token of a user of its own. */
  startApi(settings?: Record<string, string>): Promise<ApiProcess>;
  /** Ends all workers that were started; they can be started again. */
  stopWorkers(signal: NodeJS.Signals): Promise<void>;
  /** Stores a file as an accepted video and, unless told otherwise, starts its processing. */
  addVideo(file: string, options?: AddVideo): Promise<string>;
  find(videoId: string): Promise<Video>;
  /** Waits until no step of the video is unfinished. */
  untilSettled(videoId: string, timeoutMs?: number): Promise<Video>;
  addUser(): Promise<string>;
  workerLog(): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface AddVideo {
  userId?: string;
  steps?: readonly StepName[];
  start?: boolean;
}

export interface ChildProgram {
  pid: number;
  isAlive(): boolean;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface ApiProcess extends ChildProgram {
  url: string;
  token: string;
}

/** Makes the surroundings that workflow tests need; `close` stops and removes everything. */
export async function startTestEngine(settings: Record<string, string> = {}): Promise<TestEngine> {
  const database = await testDatabase();
  const dir = await mkdtemp(join(tmpdir(), 'videoflow-engine-'));
  const environment: Record<string, string> = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'info',
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporalAddress(),
    TEMPORAL_NAMESPACE: uniqueName('vf'),
    DATA_DIR: dir,
    SIGNING_KEYS: makeRingKey('k1'),
    ENCRYPTION_KEYS: makeRingKey('k1'),
    WORKER_METRICS_PORT: '0',
    WORKER_QUEUES: 'workflows,media,net,speech',
    RECONCILE_INTERVAL_SEC: '1',
    // The run has made it once for all its workers.
    WORKFLOW_BUNDLE: process.env.WORKFLOW_BUNDLE ?? '',
    ...settings,
  };
  const config = loadConfig(environment);
  await prepareTestNamespace(config);
  const log = createLog({ level: 'silent', program: 'test' });
  const db = await createDb({ databaseUrl: database.url });
  const flows = createFlows({ config, log });
  const storage = await createStorage({ config: { ...config, MIN_FREE_BYTES: 1 }, log });
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS });
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const workers: ChildProgram[] = [];
  const apis: ChildProgram[] = [];
  const logPath = join(dir, 'worker.log');
  const addUser = () => insertUser(database.url);
  const userId = await addUser();
  const find = async (videoId: string): Promise<Video> => {
    const video = await db.videos.find(userId, videoId);
    if (!video) throw new Error(`no video ${videoId}`);
    return video;
  };
  return {
    config,
    db,
    flows,
    client,
    storage,
    userId,
    addUser,
    find,
    startWorker(overrides = {}) {
      const worker = spawnProgram('worker', { ...environment, ...overrides }, logPath);
      workers.push(worker);
      return worker;
    },
    async startApi(overrides = {}) {
      const PORT = overrides.PORT ?? String(await findQuietPort());
      const api = spawnProgram(
        'api',
        { ...environment, PORT, METRICS_PORT: '0', ...overrides },
        join(dir, 'api.log'),
      );
      apis.push(api);
      const url = `http://127.0.0.1:${PORT}`;
      await waitFor(async () => (await fetch(`${url}/status`)).status < 500, {
        what: 'the API',
        timeoutMs: 60_000,
      });
      const username = uniqueName('user');
      const { token } = await createFirstUser({
        databaseUrl: database.url,
        username,
        password: uniqueName('pw'),
      });
      return { ...api, url, token };
    },
    stopWorkers: async (signal) => {
      await Promise.all(workers.splice(0).map((worker) => worker.kill(signal)));
    },
    async addVideo(file, { userId: owner = userId, steps = OPTIONAL_STEPS, start = true } = {}) {
      const id = newId();
      const sourceKey = `sources/${id}`;
      await storage.put(sourceKey, file);
      const video = {
        id,
        userId: owner,
        userLabel: null,
        externalId: null,
        title: 'A test',
        description: null,
        tags: [],
        filename: 'test.mp4',
        contentType: 'video/mp4',
        sourceKey,
        sourceSha256: null,
        sizeBytes: (await stat(file)).size,
        optionalSteps: [...steps],
      };
      await db.transaction(({ videos }) => videos.insert(video));
      if (start) await flows.startProcessing({ videoId: id, userId: owner, run: 1 });
      return id;
    },
    async untilSettled(videoId, timeoutMs = 60_000) {
      return waitFor(
        async () => {
          const video = await find(videoId);
          return video.steps.getItems().every((step) => isFinalStep(step.state)) ? video : null;
        },
        { what: `video ${videoId} to be settled`, timeoutMs },
      );
    },
    workerLog: async () =>
      (await readFile(logPath, 'utf8'))
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    async close() {
      await Promise.all([...workers, ...apis].map((program) => program.kill('SIGKILL')));
      await Promise.all([flows.close(), connection.close(), db.close()]);
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Makes the namespace of a configuration ready for use. */
export const prepareTestNamespace = (config: Config): Promise<void> =>
  prepareNamespace({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    retentionDays: 1,
    died: new AbortController().signal,
  });

async function insertUser(databaseUrl: string): Promise<string> {
  const orm = await openOrm({ databaseUrl, poolMax: 1 });
  const em = orm.em.fork();
  const user = em.create(User, {
    username: uniqueName('user'),
    passwordHash: 'none',
    scopes: ['read', 'write'],
  } as RequiredEntityData<User>);
  await em.flush();
  await orm.close();
  return user.id;
}

function spawnProgram(
  name: keyof typeof PROGRAMS,
  environment: Record<string, string>,
  logPath: string,
): ChildProgram {
  const child: ChildProcess = spawn(process.execPath, PROGRAMS[name], {
    env: { PATH: process.env.PATH, ...runMark(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = createWriteStream(logPath, { flags: 'a' });
  child.stdout?.pipe(out, { end: false });
  child.stderr?.pipe(out, { end: false });
  if (child.pid === undefined) throw new Error(`the ${name} could not be started`);
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid,
    isAlive,
    async kill(signal) {
      if (!isAlive()) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}
