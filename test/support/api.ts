import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pg from 'pg';
import { type Config, loadConfig, makeRingKey } from '../../src/config.ts';
import { SCOPES, type Scope } from '../../src/db/entities/user.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { QUEUES } from '../../src/domain/queues.ts';
import type { EngineHealth, Flows, HousekeepingReport, HousekeepingState } from '../../src/flows.ts';
import { createApp } from '../../src/http/app.ts';
import { EventHub } from '../../src/http/events/hub.ts';
import { listen } from '../../src/http/listen.ts';
import { createLog } from '../../src/log.ts';
import { hashToken, makeToken } from '../../src/secrets/token.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { testDatabase, uniqueName } from './stack.ts';

export interface TestUser {
  id: string;
  username: string;
  token: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed body when it is JSON, else its text. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into bodies of every shape
  body: any;
}

export interface CallOptions {
  method?: string;
  token?: string | null;
  json?: unknown;
  body?: NonNullable<RequestInit['body']>;
  headers?: Record<string, string>;
}

/** What the API told the engine to do, in order. */
export interface FlowCall {
  command:
    | 'startProcessing'
    | 'cancelProcessing'
    | 'startRemoval'
    | 'startEdit'
    | 'cancelEdit'
    | 'receiveUpload'
    | 'makePicture'
    | 'makeAudio'
    | 'writeCaption'
    | 'startHousekeeping'
    | 'deliverWebhook'
    | 'sendNotices'
    | 'pingWebhook'
    | 'checkAccount';
  input: unknown;
}

export interface TestApi {
  url: string;
  config: Config;
  db: Db;
  databaseUrl: string;
  storage: Storage;
  flowCalls: FlowCall[];
  /** What `flows.health()` answers; change it to change the weather. */
  engineHealth: EngineHealth;
  /** Where `flows.findHousekeeping()` finds every housekeeping that was started; done with nothing to do, at first. */
  housekeeping: { answer?: HousekeepingState | Error };
  /** Does what `flows.makePicture()` is asked for; at first it is never done in time. */
  pictures: { make: Flows['makePicture'] };
  /** The same of `flows.makeAudio()`. */
  audio: { make: Flows['makeAudio'] };
  /** Does what `flows.writeCaption()` is asked for; at first it is never done in time. */
  captions: { write: Flows['writeCaption'] };
  /** Does what `flows.pingWebhook()` is asked for; at first it is never done in time. */
  pings: { send: Flows['pingWebhook'] };
  /** Every log line so far, parsed. */
  logLines(): Record<string, unknown>[];
  call(path: string, options?: CallOptions): Promise<Answer>;
  /** Asks the database directly, past everything of ours. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of every shape
  sql(text: string, values?: unknown[]): Promise<any[]>;
  /** A user with a token; straight into the database, so that it costs no login. */
  makeUser(options?: { scopes?: Scope[]; tokenScopes?: Scope[] }): Promise<TestUser>;
  makeToken(userId: string, options?: { scopes?: Scope[]; expiresAt?: Date }): Promise<string>;
  close(): Promise<void>;
}

/**
 * Serves the real app over real HTTP, on a database and a storage folder of its own. Only the engine is
 * not there: commands to it are written down. `routeDatabase` may put something between app and database.
 */
export async function startApi(
  env: Record<string, string> = {},
  routeDatabase = async (databaseUrl: string) => databaseUrl,
): Promise<TestApi> {
  const database = await testDatabase();
  const databaseUrl = await routeDatabase(database.url);
  const dir = await mkdtemp(join(tmpdir(), 'vf-api-'));
  const config = loadConfig({
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_MAX: '12',
    SIGNING_KEYS: makeRingKey('s1'),
    ENCRYPTION_KEYS: makeRingKey('e1'),
    DATA_DIR: dir,
    MIN_FREE_BYTES: '1',
    PUBLIC_URL: 'http://videoflow.test',
    RATE_LIMIT_PER_MINUTE: '1000000',
    LOGIN_LIMIT_PER_MINUTE: '1000000',
    ...env,
  });
  const { lines, log } = memoryLog();
  const db = await createDb({ databaseUrl, poolMax: config.DATABASE_POOL_MAX });
  const storage = createLocalStorage({
    dir: config.STORAGE_DIR,
    log,
    minFreeBytes: config.MIN_FREE_BYTES,
  });
  const { flows, ...recorded } = recordingFlows();
  const events = new EventHub({ db, config, log });
  const server = await listen(createApp({ config, log, db, flows, storage, events }), {
    host: '127.0.0.1',
    port: 0,
    publicUrl: config.PUBLIC_URL,
    endStreams: () => events.close(),
  });
  const url = `http://127.0.0.1:${server.port}`;
  const issueToken: TestApi['makeToken'] = async (userId, { scopes, expiresAt } = {}) => {
    const token = makeToken();
    await db.tokens.insert({
      userId,
      name: null,
      hash: hashToken(token),
      scopes: scopes ?? [...SCOPES],
      expiresAt: expiresAt ?? null,
    });
    return token;
  };
  return {
    url,
    config,
    db,
    databaseUrl: database.url,
    storage,
    ...recorded,
    logLines: () => lines.map((line) => JSON.parse(line)),
    call: (path, options) => callUrl(url + path, options),
    sql: (text, values) => askDatabase(database.url, text, values),
    makeToken: issueToken,
    makeUser: async ({ scopes = [...SCOPES], tokenScopes } = {}) => {
      const username = uniqueName('user');
      // Nobody logs in with it: a real hash would cost a quarter of a second for every user.
      const user = await db.users.insert({ username, passwordHash: 'none', name: null, scopes });
      const token = await issueToken(user.id, { scopes: tokenScopes ?? scopes });
      return { id: user.id, username, token };
    },
    close: async () => {
      await server.close(1);
      await db.close();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Asks any address as `TestApi.call` asks the test's own API. */
export async function callUrl(url: string, options: CallOptions = {}): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.token) headers.authorization = `Bearer ${options.token}`;
  if (options.json !== undefined) headers['content-type'] ??= 'application/json';
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
  const text = await readText(response);
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Gives a body; of a stream of events, which does not end, what comes first. */
async function readText(response: Response): Promise<string> {
  if (!/^text\/event-stream/.test(response.headers.get('content-type') ?? '')) return response.text();
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return Buffer.from(first?.value ?? []).toString();
}

async function askDatabase(connectionString: string, text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

function memoryLog() {
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, log: createLog({ level: 'debug', program: 'test' }, destination) };
}

function recordingFlows() {
  const flowCalls: FlowCall[] = [];
  const pollers = Object.fromEntries(QUEUES.map((queue) => [queue, 1])) as EngineHealth['pollers'];
  const engineHealth: EngineHealth = { reachable: true, pollers };
  const reports = new Map<string, HousekeepingReport>();
  const housekeeping: TestApi['housekeeping'] = {};
  const captions: TestApi['captions'] = { write: async () => undefined };
  const pictures: TestApi['pictures'] = { make: async () => ({ state: 'running' }) };
  const pings: TestApi['pings'] = { send: async () => ({ state: 'running' }) };
  const audio: TestApi['audio'] = { make: async () => ({ state: 'running' }) };
  const flows: Flows = {
    startProcessing: async (run) => void flowCalls.push({ command: 'startProcessing', input: run }),
    cancelProcessing: async (videoId, runs) =>
      void flowCalls.push({ command: 'cancelProcessing', input: { videoId, runs } }),
    startRemoval: async (videoId, userId) =>
      void flowCalls.push({ command: 'startRemoval', input: { videoId, userId } }),
    startEdit: async (run) => void flowCalls.push({ command: 'startEdit', input: run }),
    cancelEdit: async (editId, runs) =>
      void flowCalls.push({ command: 'cancelEdit', input: { editId, runs } }),
    receiveUpload: async (upload) => {
      flowCalls.push({ command: 'receiveUpload', input: upload });
      return true;
    },
    startHousekeeping: async (id, input) => {
      flowCalls.push({ command: 'startHousekeeping', input: { id, ...input } });
      reports.set(id, idleReport(id, input));
    },
    findHousekeeping: async (id) => {
      const report = reports.get(id);
      if (!report) return { state: 'missing' };
      if (housekeeping.answer instanceof Error) throw housekeeping.answer;
      return housekeeping.answer ?? { state: 'done', report };
    },
    makePicture: (picture, patience) => {
      flowCalls.push({ command: 'makePicture', input: picture });
      return pictures.make(picture, patience);
    },
    makeAudio: (wanted, patience) => {
      flowCalls.push({ command: 'makeAudio', input: wanted });
      return audio.make(wanted, patience);
    },
    writeCaption: (caption, patience) => {
      flowCalls.push({ command: 'writeCaption', input: caption });
      return captions.write(caption, patience);
    },
    deliverWebhook: async (webhook) => {
      flowCalls.push({ command: 'deliverWebhook', input: webhook });
      return true;
    },
    sendNotices: async (notices) => {
      flowCalls.push({ command: 'sendNotices', input: notices });
      return true;
    },
    pingWebhook: (ping, patience) => {
      flowCalls.push({ command: 'pingWebhook', input: ping });
      return pings.send(ping, patience);
    },
    checkAccount: async (check) => flowCalls.push({ command: 'checkAccount', input: check }) > 0,
    health: async () => engineHealth,
    close: async () => {},
  };
  return { flows, flowCalls, engineHealth, housekeeping, pictures, audio, captions, pings };
}

const idleReport = (id: string, { dryRun = false, force = false }): HousekeepingReport => ({
  id,
  dryRun,
  forced: force,
  startedAt: '2026-11-01T00:00:00.000Z',
  endedAt: '2026-11-01T00:00:01.000Z',
  expiredUploads: { found: 0, ended: 0 },
  orphans: { listed: 0, seen: 0, due: 0, sampleIds: [], removed: 0, failed: 0, stopped: null },
  rows: {
    uploads: 0,
    uploadSegments: 0,
    idempotencyKeys: 0,
    rateLimits: 0,
    shareSessions: 0,
    pictures: 0,
    sounds: 0,
    captions: 0,
  },
  scratchFolders: 0,
  failures: [],
});
