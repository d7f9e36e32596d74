import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DiskFullError, SourceMissingError, StorageUnavailableError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { createHostCache, type Original } from '../../src/storage/hostCache.ts';

const MIB = 1024 * 1024;
const log = createLog({ level: 'silent', program: 'test' });
const OLD = new Date(Date.now() - 3600_000);

describe('the cache of a host', () => {
  let dir: string;
  let cacheDir: string;
  let opened: string[];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'videoflow-host-'));
    cacheDir = join(dir, 'made', 'cache');
    opened = [];
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const make = (maxBytes = 100 * MIB) => createHostCache({ dir: cacheDir, maxBytes, log });
  const makeScratch = () => mkdtemp(join(dir, 'scratch-'));
  const describeOriginal = (identity: string, bytes: Buffer): Original => ({
    identity,
    sizeBytes: bytes.length,
    open: async () => {
      opened.push(identity);
      return Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]);
    },
  });
  const kept = async () => (await readdir(cacheDir)).sort();
  const age = async (path: string) => utimes(path, OLD, OLD);

  it('fetches once what several want at once, and later, from two processes', async () => {
    const bytes = randomBytes(2 * MIB);
    const original = describeOriginal('a', bytes);
    const cache = make();
    const scratches = await Promise.all([makeScratch(), makeScratch(), makeScratch()]);
    const paths = await Promise.all(scratches.map((scratch) => cache.fetch(original, scratch)));
    paths.push(await make().fetch(original, await makeScratch()));
    for (const [index, path] of paths.entries()) {
      assert.ok((await readFile(path)).equals(bytes));
      if (index < 3) assert.ok(path.startsWith(scratches[index] ?? '-'));
    }
    assert.deepEqual(opened, ['a']);
    assert.equal((await kept()).length, 1);
  });

  it('gives the same path when the same work asks again', async () => {
    const scratch = await makeScratch();
    const original = describeOriginal('a', randomBytes(MIB));
    assert.equal(await make().fetch(original, scratch), await make().fetch(original, scratch));
  });

  it('takes no room of its own for a second name', async () => {
    const path = await make().fetch(describeOriginal('a', randomBytes(MIB)), await makeScratch());
    assert.equal((await stat(path)).nlink, 2);
  });

  it('lets the least recently used go, and never a file in use', async () => {
    const cache = make(5 * MIB);
    const [one, two, three] = [randomBytes(2 * MIB), randomBytes(2 * MIB), randomBytes(2 * MIB)];
    const first = await cache.fetch(describeOriginal('one', one), await makeScratch());
    await cache.fetch(describeOriginal('two', two), await makeScratch());
    for (const name of await kept()) await age(join(cacheDir, name));
    await cache.fetch(describeOriginal('one', one), await makeScratch());
    await cache.fetch(describeOriginal('three', three), await makeScratch());
    assert.equal((await kept()).length, 2);
    await cache.fetch(describeOriginal('one', one), await makeScratch());
    assert.deepEqual(opened, ['one', 'two', 'three'], 'the one that was used stayed');
    await cache.fetch(describeOriginal('two', two), await makeScratch());
    await cache.fetch(describeOriginal('three', three), await makeScratch());
    assert.ok((await readFile(first)).equals(one), 'the name in the scratch outlives that in the cache');
  });

  it('does not keep what is larger than all of its room', async () => {
    const cache = make(3 * MIB);
    await cache.fetch(describeOriginal('small', randomBytes(MIB)), await makeScratch());
    const large = randomBytes(4 * MIB);
    const path = await cache.fetch(describeOriginal('large', large), await makeScratch());
    assert.ok((await readFile(path)).equals(large));
    assert.equal((await kept()).length, 1);
  });

  it('sweeps downloads that were abandoned, and leaves those of others alone', async () => {
    await mkdir(cacheDir, { recursive: true });
    const mark = '01234567-0123-0123-0123-012345678901';
    const [abandoned, underWay] = [`.a.${mark}.part`, `.b.${mark}.part`];
    for (const name of [abandoned, underWay]) await writeFile(join(cacheDir, name), 'half');
    await age(join(cacheDir, abandoned));
    await make().fetch(describeOriginal('c', randomBytes(MIB)), await makeScratch());
    const names = await kept();
    assert.ok(names.includes(underWay));
    assert.ok(!names.includes(abandoned));
    assert.equal(names.length, 2);
  });

  it('fetches anew what is not whole', async () => {
    const bytes = randomBytes(MIB);
    await make().fetch(describeOriginal('a', bytes), await makeScratch());
    const [name = ''] = await kept();
    await rm(join(cacheDir, name));
    await writeFile(join(cacheDir, name), bytes.subarray(0, 1000));
    const path = await make().fetch(describeOriginal('a', bytes), await makeScratch());
    assert.ok((await readFile(path)).equals(bytes));
    assert.deepEqual(opened, ['a', 'a']);
  });

  it('keeps nothing of a download that breaks off, and tries again the next time', async () => {
    const bytes = randomBytes(MIB);
    const scratch = await makeScratch();
    const cut = {
      ...describeOriginal('a', bytes),
      open: async () =>
        Readable.from(
          (async function* () {
            yield bytes.subarray(0, 1000);
            throw new StorageUnavailableError('The store is gone');
          })(),
        ),
    };
    const short = { ...describeOriginal('a', bytes), open: async () => Readable.from([bytes.subarray(1)]) };
    const cache = make();
    await assert.rejects(cache.fetch(cut, scratch), StorageUnavailableError);
    await assert.rejects(cache.fetch(short, scratch), SourceMissingError);
    assert.deepEqual(await kept(), []);
    assert.deepEqual(await readdir(scratch), []);
    await cache.fetch(describeOriginal('a', bytes), scratch);
  });

  describe('on a small disk', () => {
    let isMounted = false;
    beforeEach(async function () {
      cacheDir = join(dir, 'disk');
      await mkdir(cacheDir);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', cacheDir], { stdio: 'ignore' });
        isMounted = true;
      } catch {
        // Mounting needs root; without it the skip shows in the run's last line.
        this.skip();
      }
    });
    afterEach(() => {
      if (isMounted) execFileSync('umount', [cacheDir]);
    });

    it('copies where the scratch is on another disk', async () => {
      const bytes = randomBytes(MIB);
      const path = await make().fetch(describeOriginal('a', bytes), await makeScratch());
      assert.ok((await readFile(path)).equals(bytes));
      assert.equal((await stat(path)).nlink, 1);
    });

    it('gives all room back when the disk is full, so that the next try has some', async () => {
      const cache = make();
      await cache.fetch(describeOriginal('a', randomBytes(4 * MIB)), await makeScratch());
      const large = randomBytes(6 * MIB);
      await assert.rejects(cache.fetch(describeOriginal('b', large), await makeScratch()), DiskFullError);
      assert.deepEqual(await kept(), []);
      const path = await cache.fetch(describeOriginal('b', large), await makeScratch());
      assert.ok((await readFile(path)).equals(large));
    });
  });
});
