import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createLog } from '../../src/log.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { withObjectStore } from '../support/objectStore.ts';

const GIB = 1024 ** 3;
const KIB = 1024;
const KEY = 'uploads/u/1-abc/';
const log = createLog({ level: 'silent', program: 'test' });

describe('a segment of a slow sender on S3', () => {
  const store = withObjectStore();
  let dir: string;
  let storage: Storage;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'videoflow-segment-'));
    storage = createS3Storage({
      s3: store().access,
      cacheDir: dir,
      cacheMaxBytes: GIB,
      maxObjectBytes: GIB,
      log,
    });
  });
  afterEach(async () => {
    for (const prefix of ['uploads/', 'sources/']) await storage.remove(prefix);
    await rm(dir, { recursive: true });
  });

  const pieces = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of storage.listOlderThan(KEY, new Date('2999-01-01'))) keys.push(key);
    return keys;
  };

  it('has few pieces however often it was synced, and no request that comes late takes one away', async () => {
    const bytes = randomBytes(2500 * KIB);
    const segment = await storage.createSegment(KEY);
    for (let at = 0; at < bytes.length; at += 100 * KIB) {
      await segment.write(bytes.subarray(at, at + 100 * KIB));
      assert.equal(await segment.sync(), at + 100 * KIB);
      assert.ok((await pieces()).length <= 3, 'a longer piece replaces the shorter one');
    }
    await segment.close();
    const [first = ''] = await pieces();
    // What a store that was slow to answer may carry out only now.
    const late = first.replace(/\d{8}$/, '00102400');
    await writeFile(join(dir, 'late'), bytes.subarray(0, 100 * KIB));
    await storage.put(late, join(dir, 'late'));
    assert.ok((await pieces()).includes(late));
    assert.deepEqual(await storage.join('sources/u', [{ key: KEY, sizeBytes: bytes.length }]), {
      sizeBytes: bytes.length,
    });
    assert.ok((await buffer(await storage.open('sources/u'))).equals(bytes));
  });
});
