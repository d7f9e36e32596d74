import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Readable as ReadableStream } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { SourceMissingError } from '../../src/errors.ts';
import { InvalidKeyError } from '../../src/storage/keys.ts';
import type { Storage } from '../../src/storage/storage.ts';

export interface StorageUnderTest {
  storage: Storage;
  dispose(): Promise<void>;
}

const FAR_FUTURE = new Date('2999-01-01T00:00:00Z');

const IMPOSSIBLE_KEYS = [
  '',
  '/',
  '/etc/passwd',
  'sources/',
  'sources//x',
  '.',
  '..',
  '../x',
  'sources/../../x',
  'sources/..',
  'sources/./x',
  'sources/.hidden',
  'sources/%2e%2e/x',
  'sources/..%2fx',
  'sources\\..\\x',
  'sources/a\0b',
  'sources/a\nb',
  'sources/a b',
  'sources/ü',
  'sources/．．/x',
  `sources/${'x'.repeat(201)}`,
];

/** What every storage must do, whatever it is made of; a driver is done when this passes. */
export function describeStorage(name: string, make: () => Promise<StorageUnderTest>): void {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage;
    let dispose: () => Promise<void>;
    let scratch: string;

    beforeEach(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'videoflow-contract-'));
      ({ storage, dispose } = await make());
    });
    afterEach(async () => {
      await dispose();
      await rm(scratch, { recursive: true, force: true });
    });

    const store = async (key: string, bytes: Uint8Array) => {
      const writer = await storage.createWriter(key);
      writer.stream.write(bytes);
      return writer.commit();
    };
    const read = async (key: string, range?: { start: number; end: number }) =>
      buffer(await storage.open(key, range));
    const list = async (prefix: string, before = FAR_FUTURE) => {
      const keys: string[] = [];
      for await (const key of storage.listOlderThan(prefix, before)) keys.push(key);
      return keys.sort();
    };

    describe('writing', () => {
      it('gives back the very bytes, in whatever pieces they came', async () => {
        const bytes = randomBytes(5 * 1024 * 1024 + 17);
        const pieces: Buffer[] = [];
        for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 200_003) {
          pieces.push(bytes.subarray(at, at + size));
        }
        const writer = await storage.createWriter('sources/a');
        await pipeline(ReadableStream.from(pieces), writer.stream);
        assert.deepEqual(await writer.commit(), { sizeBytes: bytes.length });
        assert.ok((await read('sources/a')).equals(bytes));
      });

      it('stores an empty object', async () => {
        const writer = await storage.createWriter('sources/empty');
        assert.deepEqual(await writer.commit(), { sizeBytes: 0 });
        assert.equal((await storage.stat('sources/empty'))?.sizeBytes, 0);
        assert.equal((await read('sources/empty')).length, 0);
      });

      it('shows nothing before the commit', async () => {
        const writer = await storage.createWriter('sources/hidden');
        await new Promise((written) => writer.stream.write(randomBytes(2_000_000), written));
        assert.equal(await storage.stat('sources/hidden'), null);
        await assert.rejects(async () => storage.open('sources/hidden'), SourceMissingError);
        await writer.commit();
        assert.equal((await storage.stat('sources/hidden'))?.sizeBytes, 2_000_000);
      });

      it('leaves nothing of an aborted write, however often and late it is aborted', async () => {
        const unused = await storage.createWriter('assets/a/1');
        await unused.abort();
        const half = await storage.createWriter('assets/a/2');
        half.stream.write(randomBytes(3_000_000));
        await half.abort();
        await half.abort();
        const broken = await storage.createWriter('assets/a/3');
        broken.stream.destroy(new Error('the sender is gone'));
        await assert.rejects(broken.commit());
        await broken.abort();
        assert.deepEqual(await list(''), []);
      });

      it('keeps a committed object when an abort comes after it', async () => {
        const writer = await storage.createWriter('sources/kept');
        writer.stream.write('bytes');
        await writer.commit();
        await writer.abort();
        assert.equal((await read('sources/kept')).toString(), 'bytes');
      });

      it('keeps writers to one key apart; the last commit stands', async () => {
        const first = await storage.createWriter('sources/one');
        const second = await storage.createWriter('sources/one');
        first.stream.write('first');
        second.stream.write('second');
        await second.commit();
        await first.commit();
        assert.equal((await read('sources/one')).toString(), 'first');
        assert.deepEqual(await list(''), ['sources/one']);
      });
    });

    describe('put and fetch', () => {
      it('takes a local file and gives a local path to the same bytes', async () => {
        const bytes = randomBytes(1_000_003);
        await writeFile(join(scratch, 'made.jpg'), bytes);
        assert.deepEqual(await storage.put('assets/v/t.jpg', join(scratch, 'made.jpg')), {
          sizeBytes: bytes.length,
        });
        const path = await storage.fetch('assets/v/t.jpg', scratch);
        assert.ok((await readFile(path)).equals(bytes));
        assert.ok((await readFile(join(scratch, 'made.jpg'))).equals(bytes), 'the original stays');
      });

      it('leaves nothing when the local file is not there', async () => {
        await assert.rejects(storage.put('assets/v/t.jpg', join(scratch, 'absent')));
        assert.deepEqual(await list(''), []);
      });

      it('refuses to fetch what is not there', () =>
        assert.rejects(storage.fetch('sources/absent', scratch), SourceMissingError));
    });

    describe('reading', () => {
      it('gives inclusive ranges', async () => {
        const bytes = randomBytes(700_001);
        await store('sources/r', bytes);
        for (const [start, end] of [
          [0, 0],
          [0, 700_000],
          [1, 262_144],
          [262_143, 262_144],
          [700_000, 700_000],
        ] as const) {
          const part = await read('sources/r', { start, end });
          assert.ok(part.equals(bytes.subarray(start, end + 1)), `${start}-${end}`);
        }
      });

      it('says at once that an object is missing', async () => {
        await assert.rejects(async () => storage.open('sources/absent'), SourceMissingError);
        assert.equal(await storage.stat('sources/absent'), null);
      });

      it('says when an object was written', async () => {
        const before = Date.now() - 2000;
        await store('sources/t', Buffer.from('x'));
        const modified = (await storage.stat('sources/t'))?.modifiedAt.getTime() ?? 0;
        assert.ok(modified >= before && modified <= Date.now() + 2000);
      });

      it('lets go of an object whose reader leaves early', async () => {
        await store('sources/big', randomBytes(4_000_000));
        const stream: Readable = await storage.open('sources/big');
        await new Promise((resolve) => stream.once('data', resolve));
        const closed = new Promise((resolve) => stream.once('close', resolve));
        stream.destroy();
        await closed;
        await storage.remove('sources/big');
        assert.equal(await storage.stat('sources/big'), null);
      });
    });

    describe('removing and listing', () => {
      it('removes one object, or all under a prefix, and does not mind what is missing', async () => {
        for (const key of ['assets/a/1', 'assets/a/2', 'assets/ab/1', 'sources/a']) {
          await store(key, Buffer.from(key));
        }
        await storage.remove('assets/a/1');
        await storage.remove('assets/a/1');
        assert.deepEqual(await list('assets/'), ['assets/a/2', 'assets/ab/1']);
        await storage.remove('assets/a/');
        await storage.remove('assets/a/');
        assert.deepEqual(await list(''), ['assets/ab/1', 'sources/a']);
      });

      it('lists what was last written before a time, unfinished writes included, and can remove those', async () => {
        await store('sources/done', Buffer.from('x'));
        const unfinished = await storage.createWriter('sources/half');
        await new Promise((written) => unfinished.stream.write('x', written));
        const keys = await list('sources/');
        assert.equal(keys.length, 2);
        assert.deepEqual(await list('sources/', new Date(0)), []);
        assert.deepEqual(await list('nothing/'), []);
        for (const key of keys) await storage.remove(key);
        assert.deepEqual(await list(''), []);
        await unfinished.abort();
      });
    });

    it('refuses impossible keys everywhere', async () => {
      for (const key of IMPOSSIBLE_KEYS) {
        const shown = JSON.stringify(key);
        await assert.rejects(async () => storage.createWriter(key), InvalidKeyError, shown);
        await assert.rejects(async () => storage.put(key, '/dev/null'), InvalidKeyError, shown);
        await assert.rejects(async () => storage.open(key), InvalidKeyError, shown);
        await assert.rejects(async () => storage.stat(key), InvalidKeyError, shown);
        await assert.rejects(async () => storage.fetch(key, scratch), InvalidKeyError, shown);
        if (key !== 'sources/') await assert.rejects(async () => storage.remove(key), InvalidKeyError, shown);
      }
      await assert.rejects(async () => storage.remove(''), InvalidKeyError);
    });

    it('answers a ping and leaves nothing behind', async () => {
      await storage.ping();
      assert.deepEqual(await list(''), []);
    });

    it('says how much is free, or that there is no such limit', async () => {
      const free = await storage.freeBytes();
      assert.ok(free === null || free > 0);
    });
  });
}
