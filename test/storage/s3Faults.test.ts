import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DiskFullError, StorageUnavailableError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { type BucketAccess, type OwnServer, withObjectStore } from '../support/objectStore.ts';
import { waitFor } from '../support/stack.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const log = createLog({ level: 'silent', program: 'test' });
const FAR_FUTURE = new Date('2999-01-01T00:00:00Z');

describe('S3 in trouble', () => {
  const store = withObjectStore();
  let storage: Storage;
  let server: OwnServer;
  let dir: string;

  const open = (s3: BucketAccess): Storage =>
    createS3Storage({ s3, cacheDir: join(dir, 'cache'), cacheMaxBytes: GIB, maxObjectBytes: GIB, log });
  const list = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of storage.listOlderThan('', FAR_FUTURE)) keys.push(key);
    return keys;
  };
  const save = async (key: string, bytes: Buffer): Promise<void> => {
    const writer = await storage.createWriter(key);
    writer.stream.write(bytes);
    await writer.commit();
  };

  before(function () {
    const own = store().server;
    // A store that is not ours is not to be killed.
    if (!own) this.skip();
    server = own;
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'videoflow-faults-'));
    storage = open(store().access);
  });
  afterEach(async () => {
    await server.kill();
    await server.start();
    for (const key of await list()) await storage.remove(key);
    assert.equal(await store().countUnfinished(), 0);
    await rm(dir, { recursive: true, force: true });
  });

  it('fails a write at which it is killed, shows nothing of it, and works again', async () => {
    const bytes = randomBytes(14 * MIB);
    const writer = await storage.createWriter('sources/a');
    await new Promise((written) => writer.stream.write(bytes.subarray(0, 12 * MIB), written));
    await waitFor(async () => (await store().countUnfinished()) === 1, { what: 'the upload to begin' });
    await server.kill();
    writer.stream.write(bytes.subarray(12 * MIB));
    await assert.rejects(writer.commit(), StorageUnavailableError);
    await writer.abort();
    await server.start();
    assert.equal(await storage.stat('sources/a'), null);
    const left = await list();
    assert.equal(left.length, 1, 'the upload that could not be dropped is found by a sweep');
    await storage.remove(left[0] ?? '');
    assert.equal(await store().countUnfinished(), 0);
    await save('sources/a', bytes);
    assert.ok((await buffer(await storage.open('sources/a'))).equals(bytes));
  });

  it('tells whoever writes as soon as a part could not be sent', async () => {
    const writer = await storage.createWriter('sources/a');
    await server.kill();
    const failed = new Promise<Error>((resolve) => writer.stream.once('error', resolve));
    writer.stream.write(randomBytes(6 * MIB));
    assert.ok((await failed) instanceof StorageUnavailableError);
    await writer.abort();
  });

  it('fails a read at which it is killed', async () => {
    await save('sources/a', randomBytes(24 * MIB));
    const stream = await storage.open('sources/a');
    await new Promise((resolve) => stream.once('readable', resolve));
    await server.kill();
    await assert.rejects(buffer(stream), StorageUnavailableError);
    await assert.rejects(storage.open('sources/a'), StorageUnavailableError);
    await assert.rejects(storage.stat('sources/a'), StorageUnavailableError);
    await assert.rejects(storage.fetch('sources/a', dir), StorageUnavailableError);
    await assert.rejects(storage.ping(), StorageUnavailableError);
    await server.start();
    await storage.ping();
    assert.equal((await buffer(await storage.open('sources/a'))).length, 24 * MIB);
  });

  it('keeps what a segment synced before, and never says again that it synced', async () => {
    const bytes = randomBytes(7 * MIB);
    const segment = await storage.createSegment('uploads/u/1-a/');
    await segment.write(bytes.subarray(0, 5 * MIB));
    const sizeBytes = await segment.sync();
    assert.equal(sizeBytes, 5 * MIB);
    await server.kill();
    await segment.write(bytes.subarray(5 * MIB));
    await assert.rejects(segment.sync(), StorageUnavailableError);
    await server.start();
    await assert.rejects(segment.sync(), StorageUnavailableError);
    await assert.rejects(segment.write(Buffer.from('more')), StorageUnavailableError);
    await segment.close();
    await storage.join('sources/u', [{ key: 'uploads/u/1-a/', sizeBytes }]);
    assert.ok((await buffer(await storage.open('sources/u'))).equals(bytes.subarray(0, sizeBytes)));
  });

  it('fails a join at which it is killed, and makes it later', async () => {
    const bytes = randomBytes(24 * MIB);
    const segment = await storage.createSegment('uploads/u/1-a/');
    await segment.write(bytes);
    const whole = { key: 'uploads/u/1-a/', sizeBytes: await segment.sync() };
    await segment.close();
    let killed: Promise<void> | undefined;
    const onProgress = (readBytes: number) => {
      if (readBytes > 7 * MIB) killed ??= server.kill();
    };
    await assert.rejects(storage.join('sources/u', [whole], { onProgress }), StorageUnavailableError);
    await killed;
    await server.start();
    assert.equal(await storage.stat('sources/u'), null);
    await storage.join('sources/u', [whole]);
    assert.ok((await buffer(await storage.open('sources/u'))).equals(bytes));
  });

  it('takes nothing from a join that went well when another one fails at its end', async () => {
    const bytes = randomBytes(MIB);
    const segment = await storage.createSegment('uploads/u/1-a/');
    await segment.write(bytes);
    const whole = { key: 'uploads/u/1-a/', sizeBytes: await segment.sync() };
    await segment.close();
    await storage.join('sources/u', [whole]);
    const proxy = await startBreakingProxy(store().access.endpoint, /^PUT .*\/sources\/u\b/);
    try {
      // As of a worker that froze in it, and wakes when another has handed the object over.
      const late = open({ ...store().access, endpoint: proxy.url });
      await assert.rejects(late.join('sources/u', [whole]), StorageUnavailableError);
      assert.ok(proxy.brokenCount() > 0, 'it failed where it should');
    } finally {
      await proxy.close();
    }
    assert.ok((await buffer(await storage.open('sources/u'))).equals(bytes));
  });

  it('gives up on a store that does not answer, within seconds', async function () {
    this.timeout(30_000);
    process.kill(server.pid(), 'SIGSTOP');
    // Until then another of its threads may still answer.
    await waitFor(async () => / T /.test(await readFile(`/proc/${server.pid()}/stat`, 'utf8')), {
      what: 'the store to stand still',
    });
    const startedAt = Date.now();
    await assert.rejects(storage.stat('sources/a'), StorageUnavailableError);
    assert.ok(Date.now() - startedAt < 11_000);
  });

  it('keeps what it knows of credentials to itself', async () => {
    const { credentials, ...rest } = store().access;
    const strange = open({ ...rest, credentials: { ...credentials, secretAccessKey: 'wrong-secret' } });
    await assert.rejects(strange.ping(), (error: Error) => {
      assert.ok(error instanceof StorageUnavailableError);
      const told = `${error.message} ${JSON.stringify(error.cause)} ${(error.cause as Error).stack}`;
      assert.match(told, /SignatureDoesNotMatch, 403/);
      assert.doesNotMatch(told, new RegExp(`wrong-secret|${credentials.accessKeyId}|127\\.0\\.0\\.1`));
      return true;
    });
  });

  it('does not take a bucket that is not there for a missing object', () =>
    assert.rejects(
      open({ ...store().access, bucket: 'no-such-bucket' }).open('sources/a'),
      StorageUnavailableError,
    ));

  it('removes more objects than one request takes', async () => {
    const folder = join(server.dir, store().access.bucket, 'assets/many');
    await mkdir(folder, { recursive: true });
    await mkdir(`${folder}-more`);
    await writeFile(join(`${folder}-more`, '1'), 'stays');
    for (let number = 0; number < 2100; number++) await writeFile(join(folder, String(number)), 'x');
    await storage.remove('assets/many/');
    assert.deepEqual(await list(), ['assets/many-more/1']);
  });
});

/** Passes requests on to a store, and breaks the connections of some of them. */
async function startBreakingProxy(endpoint: string, broken: RegExp) {
  let brokenCount = 0;
  const proxy = createServer((incoming, response) => {
    const { method = '', url = '', headers } = incoming;
    if (broken.test(`${method} ${url}`)) {
      brokenCount += 1;
      incoming.destroy();
      return;
    }
    const outgoing = request(endpoint + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    brokenCount: () => brokenCount,
    close: async () => {
      proxy.closeAllConnections();
      await new Promise((closed) => proxy.close(closed));
    },
  };
}

describe('a store that is full', () => {
  let server: Server;
  let storage: Storage;
  let answer: { status: number; code: string };

  before(async () => {
    server = createServer((request, response) => {
      request.resume().once('end', () => {
        response.writeHead(answer.status, { 'content-type': 'application/xml' });
        response.end(`<Error><Code>${answer.code}</Code><Message>no</Message></Error>`);
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const s3 = {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      bucket: 'full',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    };
    storage = createS3Storage({ s3, cacheDir: tmpdir(), cacheMaxBytes: GIB, maxObjectBytes: GIB, log });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  for (const [status, code] of [
    [403, 'QuotaExceeded'],
    [507, 'XMinioStorageFull'],
    [507, 'AnyOther'],
  ] as const) {
    it(`says storage_full at ${status} ${code}`, async () => {
      answer = { status, code };
      await assert.rejects(storage.ping(), DiskFullError);
      const segment = await storage.createSegment('uploads/u/1-a/');
      await segment.write(Buffer.from('bytes'));
      await assert.rejects(segment.sync(), DiskFullError);
      await segment.close();
    });
  }
});
