import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { buildGoProgram, hasGo, programCache } from '../../src/local/goProgram.ts';
import { openBucket } from '../../src/storage/s3Client.ts';
import { listObjects, removePrefix } from '../../src/storage/s3Listing.ts';
import { findQuietPort } from './quietPort.ts';
import { runMark, uniqueName, waitFor } from './stack.ts';

/** Pinned in the go.mod of the module; the name of the kept program changes with it. */
const VERSION = '1.8.0';
const MODULE = fileURLToPath(new URL('../../src/local/versitygw/', import.meta.url));
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';
/** What a first run on a slow machine may take to build the server; a hook's own limit must be longer. */
export const OBJECT_STORE_MS = 600_000;

export interface BucketAccess {
  endpoint: string;
  region: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

/** A real S3-compatible store: one of the test's own, or the one at S3_ENDPOINT. */
export interface ObjectStore {
  access: BucketAccess;
  /** The same as variables of the configuration. */
  environment: Record<string, string>;
  /** How many multipart uploads are neither completed nor dropped. */
  countUnfinished(): Promise<number>;
  /** Undefined for a store that is not ours. */
  server: OwnServer | undefined;
  close(): Promise<void>;
}

/** A server to be mistreated. */
export interface OwnServer {
  pid(): number;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Where the objects lie as files. */
  dir: string;
}

/**
 * Starts an S3-compatible server (versitygw), built once for this user, with a fresh bucket; or takes the store at
 * S3_ENDPOINT with S3_BUCKET, which must be empty, and its keys.
 *
 * @returns a sentence instead where neither can be had
 */
export async function startObjectStore(env = process.env): Promise<ObjectStore | string> {
  if (env.S3_ENDPOINT) return useGivenStore(env);
  const built = await ensureProgram(env);
  if ('reason' in built) return built.reason;
  const access: BucketAccess = {
    endpoint: `http://127.0.0.1:${await findQuietPort()}`,
    region: 'us-east-1',
    bucket: uniqueName('vf').replace('_', '-'),
    credentials: { accessKeyId: 'tester', secretAccessKey: uniqueName('secret') },
  };
  const server = await startServer(built.path, access);
  const store = describeStore(access);
  const client = new S3Client({ ...access, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: access.bucket }));
  client.destroy();
  return {
    ...store,
    server,
    close: async () => {
      await store.close();
      await server.kill();
      await rm(server.dir, { recursive: true, force: true });
    },
  };
}

/**
 * Gives the suite a store: starts it before, closes it after. Where there is none the suite is left out, and the
 * run's last line counts its tests as skipped.
 */
export function withObjectStore(): () => ObjectStore {
  let store: ObjectStore | undefined;
  before('an S3-compatible store', async function () {
    this.timeout(OBJECT_STORE_MS);
    const started = await startObjectStore();
    if (typeof started !== 'string') {
      store = started;
      return;
    }
    const suite = this.test?.parent;
    if (suite) suite.title += ` (left out: ${started})`;
    process.stdout.write(`    ${suite?.title}\n`);
    this.skip();
  });
  after(() => store?.close());
  return () => {
    if (!store) throw new Error('the store is there only while tests run');
    return store;
  };
}

/** The tests remove what they find: a bucket that holds anything is somebody's. */
async function useGivenStore(env: NodeJS.ProcessEnv): Promise<ObjectStore | string> {
  const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_REGION: region = 'us-east-1' } = env;
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!endpoint || !bucket || !accessKeyId || !secretAccessKey)
    return 'S3_ENDPOINT is set, but not S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY';
  const access = { endpoint, bucket, region, credentials: { accessKeyId, secretAccessKey } };
  const opened = openBucket(access);
  for await (const _ of listObjects(opened, '')) return 'the bucket at S3_ENDPOINT is not empty';
  const store = describeStore(access);
  return {
    ...store,
    server: undefined,
    close: async () => {
      await removePrefix(opened, '');
      await store.close();
    },
  };
}

function describeStore(access: BucketAccess): Omit<ObjectStore, 'server'> {
  const { endpoint, region, bucket, credentials } = access;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  return {
    access,
    environment: {
      STORAGE_DRIVER: 's3',
      S3_ENDPOINT: endpoint,
      S3_REGION: region,
      S3_BUCKET: bucket,
      S3_ACCESS_KEY_ID: credentials.accessKeyId,
      S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    countUnfinished: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
    close: async () => client.destroy(),
  };
}

async function ensureProgram(env: NodeJS.ProcessEnv): Promise<{ path: string } | { reason: string }> {
  const path = join(programCache(env), `versitygw-${VERSION}`);
  if (existsSync(path)) return { path };
  if (!hasGo()) return { reason: 'there is neither S3_ENDPOINT nor a Go compiler to build a server' };
  process.stdout.write('    building an S3-compatible server, once for this user …\n');
  const built = await buildGoProgram({ moduleDir: MODULE, goPackage: PACKAGE, target: path });
  return built.ok
    ? { path }
    : { reason: `the server could not be built: ${built.reason.split('\n').at(-1)}` };
}

async function startServer(program: string, access: BucketAccess): Promise<OwnServer> {
  const dir = await mkdtemp(join(tmpdir(), 'videoflow-s3-'));
  let child: ChildProcess | undefined;
  const { host } = new URL(access.endpoint);
  const start = async (): Promise<void> => {
    child = spawn(program, ['--quiet', '--port', host, '--region', access.region, 'posix', dir], {
      env: {
        PATH: process.env.PATH,
        ...runMark(),
        ROOT_ACCESS_KEY: access.credentials.accessKeyId,
        ROOT_SECRET_KEY: access.credentials.secretAccessKey,
      },
      stdio: 'ignore',
    });
    await waitFor(async () => (await fetch(access.endpoint)).status > 0, {
      what: 'the S3-compatible server',
    });
  };
  await start();
  return {
    dir,
    start,
    pid: () => child?.pid ?? 0,
    kill: async () => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
