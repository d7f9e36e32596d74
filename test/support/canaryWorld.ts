import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askSeen, makeCanary, seeDatabase, seeHistories, Watch } from './canaries.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from './engine.ts';
import { createChatRoute } from './fakes/chat.ts';
import { createFlicRoutes, FlicWorld, flicUrl } from './fakes/flic.ts';
import { createTranscriptionsRoute } from './fakes/openai.ts';
import { type Fakes, startFakes } from './fakes/server.ts';
import { createTelegramRoutes, TelegramWorld } from './fakes/telegram.ts';
import { createUploadPostRoutes, UploadPostWorld, uploadPostUrl } from './fakes/uploadPost.ts';
import { startWebhookReceiver, type WebhookReceiver } from './fakes/webhookReceiver.ts';
import { findQuietPort } from './quietPort.ts';
import { uniqueName, waitFor } from './stack.ts';

/** Everything that videoflow is configured with and talks to, with a canary for each secret. */
export interface CanaryWorld {
  watch: Watch;
  engine: TestEngine;
  api: ApiProcess;
  receiver: WebhookReceiver;
  /** Transcriber, writer, bot and publishing providers in one. */
  outside: Fakes;
  telegram: TelegramWorld;
  /** Beside the user's token, in the address of hooks and of sources. */
  urlSecret: string;
  providerKey: string;
  botToken: string;
  /** What the service itself has at the providers; the user of this name may use it, and is nobody's yet. */
  service: { uploadPostKey: string; flicToken: string; username: string };
  /** No key is good there unless it is made so. */
  providers: { uploadPost: UploadPostWorld; flic: FlicWorld };
  /** As the API's user, unless told otherwise; the whole answer is seen. */
  ask(path: string, init?: Ask): ReturnType<typeof askSeen>;
  /** Has the watch see what programs wrote, the database, and what the engine has. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export interface Ask {
  method?: string;
  json?: unknown;
  body?: BodyInit;
  token?: string | null;
  headers?: Record<string, string>;
}

function addRingKey(watch: Watch, name: string): string {
  const bytes = randomBytes(32);
  const text = bytes.toString('base64');
  watch.add(name, text, { bytes });
  return `k1:${text}`;
}

/** Starts API, worker and all that they talk to. */
export async function startCanaryWorld(): Promise<CanaryWorld> {
  const watch = new Watch();
  const providerKey = watch.add('provider key', `sk-${makeCanary()}`);
  const botToken = watch.add('bot token', `424242:${makeCanary()}`);
  const urlSecret = watch.add('secret in an address', makeCanary());
  const storageSecret = watch.add('storage secret', makeCanary());
  const keys = {
    SIGNING_KEYS: addRingKey(watch, 'signing key'),
    ENCRYPTION_KEYS: addRingKey(watch, 'encryption key'),
  };
  const service = {
    uploadPostKey: watch.add('key of the service at Upload-Post', makeCanary()),
    flicToken: watch.add('token of the service at Flic', makeCanary()),
    username: uniqueName('favoured'),
  };
  const providers = { uploadPost: new UploadPostWorld(), flic: new FlicWorld() };
  const telegram = new TelegramWorld();
  const routes = [
    createTranscriptionsRoute(),
    createChatRoute(),
    ...createTelegramRoutes(telegram, botToken),
    ...createUploadPostRoutes(providers.uploadPost),
    ...createFlicRoutes(providers.flic),
  ];
  const [outside, receiver, port] = await Promise.all([
    startFakes({ routes, apiKey: providerKey }),
    startWebhookReceiver(),
    findQuietPort(),
  ]);
  const engine = await startTestEngine({
    ...{ ...keys, LOG_LEVEL: 'trace', EGRESS_ALLOW_CIDRS: '127.0.0.1/32' },
    ...{ WEBHOOK_TIMEOUT_SEC: '1', WEBHOOK_RETRY_SEC: '0.1,0.1,0.1' },
    ...{ OPENAI_BASE_URL: outside.baseUrl, OPENAI_API_KEY: providerKey },
    ...{ CAPTIONS_BASE_URL: outside.baseUrl, OPENROUTER_API_KEY: providerKey },
    ...{ TELEGRAM_BASE_URL: new URL(outside.baseUrl).origin, TELEGRAM_BOT_TOKEN: botToken },
    ...{ UPLOAD_POST_BASE_URL: uploadPostUrl(outside), UPLOAD_POST_API_KEY: service.uploadPostKey },
    ...{ FLIC_BASE_URL: flicUrl(outside), FLIC_TOKEN: service.flicToken },
    SERVICE_CREDENTIALS_USERS: service.username,
    ...{ S3_ACCESS_KEY_ID: 'unused', S3_SECRET_ACCESS_KEY: storageSecret },
    WORKER_QUEUES: 'workflows,media,net,speech,encode,notify',
  });
  const database = new URL(engine.config.DATABASE_URL);
  // Where the server trusts whoever asks from here, the password may be any; else the real one is looked for.
  database.password ||= makeCanary();
  watch.add('database password', decodeURIComponent(database.password));
  const DATABASE_URL = database.href;
  engine.startWorker({ DATABASE_URL, WORKER_METRICS_PORT: String(port) });
  const metricsPort = await findQuietPort();
  const api = await engine.startApi({ DATABASE_URL, METRICS_PORT: String(metricsPort) });
  watch.add('API token', api.token);
  await waitFor(async () => (await engine.workerLog()).some(({ msg }) => msg === 'working'), {
    ...{ what: 'the worker', timeoutMs: 60_000 },
  });

  const ask: CanaryWorld['ask'] = (path, { method, json, body, token = api.token, headers = {} } = {}) => {
    const isJson = json !== undefined;
    return askSeen(watch, `${api.url}${path}`, {
      method: method ?? (isJson || body !== undefined ? 'POST' : 'GET'),
      ...((isJson || body !== undefined) && { body: isJson ? JSON.stringify(json) : (body ?? '') }),
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(isJson && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
  };
  return {
    ...{ watch, engine, api, receiver, outside, telegram, urlSecret, providerKey, botToken, ask },
    ...{ service, providers },
    async look() {
      for (const name of ['api', 'worker'])
        watch.see(`log of ${name}`, await readFile(join(engine.config.DATA_DIR, `${name}.log`), 'utf8'));
      for (const each of [metricsPort, port])
        watch.see('metrics', await (await fetch(`http://127.0.0.1:${each}/metrics`)).text());
      await seeDatabase(watch, engine.config.DATABASE_URL);
      await seeHistories(watch, engine.client);
      for (const { path, body, headers } of receiver.arrivals)
        watch.see(`delivery to ${path}`, `${JSON.stringify(headers)}\n${body.toString('utf8')}`);
      for (const { chat, texts } of telegram.messages) watch.see(`message to ${chat}`, texts.join('\n'));
    },
    async close() {
      await engine.close();
      await Promise.all([outside.close(), receiver.close()]);
    },
  };
}

/** Starts workers whose settings are no good, so that all they do is say why. */
export function startWrongly({ engine, watch }: CanaryWorld): void {
  const nowhere = { TEMPORAL_ADDRESS: '127.0.0.1:1', WORKER_METRICS_PORT: '0' };
  const canary = () => watch.add('wrong setting', makeCanary());
  engine.startWorker({ ...nowhere, TELEGRAM_BOT_TOKEN: canary() });
  engine.startWorker({ ...nowhere, ENCRYPTION_KEYS: `k1:${canary()}` });
  engine.startWorker({ ...nowhere, OPENAI_BASE_URL: canary(), UPLOAD_POST_BASE_URL: canary() });
  engine.startWorker({ ...nowhere, DATABASE_URL: `postgres://postgres:${canary()}@127.0.0.1:1/none` });
}
