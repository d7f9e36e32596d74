import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Readable as ReadableStream } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SourceMissingError, StorageUnavailableError } from '../../src/errors.ts';
import { InvalidKeyError } from '../../src/storage/keys.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { waitFor } from '../support/stack.ts';

export interface StorageUnderTest {
  storage: Storage;
  /** Removes some of the bytes of a segment that were synced, as an accident would. */
  damageSegment(key: string): Promise<void>;
  dispose(): Promise<void>;
}

/** More than any driver keeps to itself before the outside hears of a write. */
const ENOUGH_TO_SEND = 12_000_000;
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

/**
 * What every storage must do, whatever it is made of; a driver is done when this passes.
 *
 * @param prepare called once, inside of the suite, for what its hooks bring up; gives a way to a fresh, empty storage
 */
export function describeStorage(name: string, prepare: () => () => Promise<StorageUnderTest>): void {
  describe(`storage contract: ${name}`, () => {
    const make = prepare();
    let storage: Storage;
    let damageSegment: StorageUnderTest['damageSegment'];
    let dispose: () => Promise<void>;
    let scratch: string;

    beforeEach(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'videoflow-contract-'));
      ({ storage, damageSegment, dispose } = await make());
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
        half.stream.write(randomBytes(ENOUGH_TO_SEND));
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
        await new Promise((written) => unfinished.stream.write(randomBytes(ENOUGH_TO_SEND), written));
        const keys = await waitFor(
          async () => {
            const found = await list('sources/');
            return found.length >= 2 && found;
          },
          { what: 'the unfinished write to be listed' },
        );
        assert.equal(keys.length, 2);
        assert.equal(keys.filter((key) => key !== 'sources/done' && key !== 'sources/half').length, 1);
        assert.deepEqual(await list('sources/', new Date(0)), []);
        assert.deepEqual(await list('nothing/'), []);
        for (const key of keys) await storage.remove(key);
        assert.deepEqual(await list(''), []);
        await unfinished.abort();
      });
    });

    describe('segments', () => {
      const segment = (number: number) => `uploads/u/${number}-abc/`;
      /** Writes pieces and syncs at the end. */
      const write = async (key: string, ...pieces: Buffer[]) => {
        const writer = await storage.createSegment(key);
        for (const piece of pieces) await writer.write(piece);
        const sizeBytes = await writer.sync();
        await writer.close();
        return { key, sizeBytes };
      };

      it('counts as durable what was written before the sync, and no more', async () => {
        const writer = await storage.createSegment(segment(1));
        assert.equal(await writer.sync(), 0);
        await writer.write(randomBytes(700_000));
        const syncing = writer.sync();
        const more = writer.write(randomBytes(100_000));
        assert.equal(await syncing, 700_000);
        await more;
        assert.equal(await writer.sync(), 800_000);
        assert.equal(await writer.sync(), 800_000);
        await writer.close();
        await writer.close();
      });

      it('keeps what was synced when its writer is left alone', async () => {
        const bytes = randomBytes(6_000_001);
        const writer = await storage.createSegment(segment(1));
        for (let at = 0; at < bytes.length; at += 1_000_003) {
          await writer.write(bytes.subarray(at, at + 1_000_003));
          await writer.sync();
        }
        await storage.join('sources/u', [{ key: segment(1), sizeBytes: bytes.length }]);
        assert.ok((await read('sources/u')).equals(bytes));
        await writer.close();
      });

      it('does not mind that the bytes change once they were taken', async () => {
        const block = Buffer.alloc(300_000, 1);
        const writer = await storage.createSegment(segment(1));
        for (let round = 1; round <= 20; round++) {
          await writer.write(block.fill(round));
          if (round % 3 === 0) await writer.sync();
        }
        const sizeBytes = await writer.sync();
        await writer.close();
        await storage.join('sources/u', [{ key: segment(1), sizeBytes }]);
        const joined = await read('sources/u');
        assert.equal(joined.length, 6_000_000);
        for (let round = 1; round <= 20; round++)
          assert.ok(joined.subarray((round - 1) * 300_000, round * 300_000).every((byte) => byte === round));
      });

      it('refuses to go on after it was closed', async () => {
        const writer = await storage.createSegment(segment(1));
        await writer.close();
        await assert.rejects(writer.write(Buffer.from('late')), StorageUnavailableError);
        await assert.rejects(writer.sync(), StorageUnavailableError);
      });

      it('keeps two writers apart', async () => {
        const [one, two] = [randomBytes(5_000_000), randomBytes(5_000_000)];
        const writers = [await storage.createSegment(segment(1)), await storage.createSegment(segment(2))];
        await Promise.all([writers[0]?.write(one), writers[1]?.write(two)]);
        await Promise.all(writers.map((writer) => writer.sync()));
        await Promise.all(writers.map((writer) => writer.close()));
        await storage.join('sources/u', [{ key: segment(2), sizeBytes: two.length }]);
        assert.ok((await read('sources/u')).equals(two));
      });

      it('joins segments in their order, some of them empty, none of them whole', async () => {
        const [one, two, three] = [randomBytes(9_000_000), randomBytes(1000), randomBytes(5_300_000)];
        await write(segment(1), one);
        await write(segment(2));
        await write(segment(3), two);
        await write(segment(4), three.subarray(0, 2_000_000), three.subarray(2_000_000));
        const shares = [
          { key: segment(1), sizeBytes: 8_500_000 },
          { key: segment(2), sizeBytes: 0 },
          { key: segment(9), sizeBytes: 0 },
          { key: segment(3), sizeBytes: 999 },
          { key: segment(4), sizeBytes: 5_000_001 },
        ];
        const expected = Buffer.concat([
          one.subarray(0, 8_500_000),
          two.subarray(0, 999),
          three.subarray(0, 5_000_001),
        ]);
        const seen: number[] = [];
        const onProgress = (bytes: number) => seen.push(bytes);
        assert.deepEqual(await storage.join('sources/u', shares, { onProgress }), {
          sizeBytes: expected.length,
        });
        assert.ok((await read('sources/u')).equals(expected));
        assert.deepEqual(
          seen.toSorted((a, b) => a - b),
          seen,
        );
        assert.ok((seen.at(-1) ?? 0) <= expected.length);
      });

      it('joins again to the same, and leaves the segments', async () => {
        const bytes = randomBytes(2_000_000);
        const whole = await write(segment(1), bytes);
        for (let round = 0; round < 2; round++)
          assert.deepEqual(await storage.join('sources/u', [whole]), { sizeBytes: bytes.length });
        assert.ok((await read('sources/u')).equals(bytes));
        await storage.remove('uploads/u/');
        assert.deepEqual(await list(''), ['sources/u']);
        assert.ok((await read('sources/u')).equals(bytes));
      });

      it('says when a joined object was made, not when its bytes came', async () => {
        const whole = await write(segment(1), Buffer.from('bytes'));
        await delay(1100);
        const before = Date.now() - 1000;
        await storage.join('sources/u', [whole]);
        assert.ok(((await storage.stat('sources/u'))?.modifiedAt.getTime() ?? 0) >= before);
      });

      it('makes an empty object of nothing', async () => {
        assert.deepEqual(await storage.join('sources/u', []), { sizeBytes: 0 });
        assert.equal((await read('sources/u')).length, 0);
      });

      it('says that bytes are missing, and makes nothing', async () => {
        const whole = await write(segment(1), randomBytes(6_000_000));
        const longer = { ...whole, sizeBytes: whole.sizeBytes + 1 };
        await assert.rejects(storage.join('sources/u', [longer]), SourceMissingError);
        await assert.rejects(
          storage.join('sources/u', [whole, { key: segment(2), sizeBytes: 1 }]),
          SourceMissingError,
        );
        await damageSegment(segment(1));
        await assert.rejects(storage.join('sources/u', [whole]), SourceMissingError);
        assert.deepEqual(await list('sources/'), []);
      });

      it('stops joining when told to, and leaves nothing', async () => {
        const whole = await write(segment(1), randomBytes(6_000_000));
        const signal = AbortSignal.abort();
        const half = { ...whole, sizeBytes: 5_500_000 };
        await assert.rejects(storage.join('sources/u', [half], { signal }));
        assert.deepEqual(await list('sources/'), []);
      });
    });

    it('refuses impossible keys everywhere', async () => {
      for (const key of IMPOSSIBLE_KEYS) {
        const shown = JSON.stringify(key);
        await assert.rejects(async () => storage.createWriter(key), InvalidKeyError, shown);
        await assert.rejects(async () => storage.put(key, '/dev/null'), InvalidKeyError, shown);
        await assert.rejects(async () => storage.open(key), InvalidKeyError, shown);
        await assert.rejects(async () => storage.stat(key), InvalidKeyError, shown);
        await assert.rejects(async () => storage.join(key, []), InvalidKeyError, shown);
        await assert.rejects(async () => storage.createSegment(`${key}/`), InvalidKeyError, shown);
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
