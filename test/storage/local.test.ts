import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import filesystem, { mkdir, mkdtemp, readdir, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskFullError, StorageUnavailableError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { describeStorage } from './storageContract.ts';

const MIB = 1024 * 1024;
const log = createLog({ level: 'silent', program: 'test' });
const makeDir = () => mkdtemp(join(tmpdir(), 'videoflow-storage-'));

describeStorage('local folder', () => async () => {
  const dir = await makeDir();
  const root = join(dir, 'made', 'by', 'it');
  return {
    storage: createLocalStorage({ dir: root, log, minFreeBytes: 0 }),
    damageSegment: (key) => truncate(join(root, key, '0'), 100),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
});

describe('local storage', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await makeDir();
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('keeps objects and folders from other users of the machine', async () => {
    const storage = createLocalStorage({ dir: join(dir, 's'), log, minFreeBytes: 0 });
    const writer = await storage.createWriter('sources/a');
    await writer.commit();
    const made = join(dir, 'made');
    await writeFile(made, 'by a tool', { mode: 0o644 });
    await storage.put('assets/b', made);
    for (const key of ['sources/a', 'assets/b']) {
      const { mode } = await stat(join(dir, 's', key));
      assert.equal(mode & 0o007, 0, key);
    }
  });

  it('refuses new objects below the free space floor and leaves nothing', async () => {
    const storage = createLocalStorage({ dir, log, minFreeBytes: Number.MAX_SAFE_INTEGER });
    await assert.rejects(storage.createWriter('sources/a'), DiskFullError);
    assert.deepEqual(await readdir(dir), []);
  });

  it('tells trouble of the disk apart from a full one', async () => {
    await writeFile(join(dir, 'sources'), 'a file where a folder should be');
    const storage = createLocalStorage({ dir, log, minFreeBytes: 0 });
    await assert.rejects(storage.createWriter('sources/a'), (error: Error) => {
      assert.ok(error instanceof StorageUnavailableError);
      assert.ok(!error.message.includes(dir), 'no path in the message');
      return true;
    });
  });

  it('notices a folder that cannot be written', async () => {
    await mkdir(join(dir, 'gone'));
    const storage = createLocalStorage({ dir: join(dir, 'gone'), log, minFreeBytes: 0 });
    await storage.ping();
    await rm(join(dir, 'gone'), { recursive: true });
    await writeFile(join(dir, 'gone'), '');
    await assert.rejects(storage.ping(), StorageUnavailableError);
  });

  it('makes a folder again that a removal took away just before the put', async () => {
    const storage = createLocalStorage({ dir: join(dir, 's'), log, minFreeBytes: 0 });
    await writeFile(join(dir, 'picture'), 'bytes');
    const { copyFile } = filesystem;
    const restore = () => {
      filesystem.copyFile = copyFile;
      syncBuiltinESMExports();
    };
    filesystem.copyFile = async (...args) => {
      restore();
      await storage.remove('assets/a/');
      return copyFile(...args);
    };
    syncBuiltinESMExports();
    try {
      assert.deepEqual(await storage.put('assets/a/1', join(dir, 'picture')), { sizeBytes: 5 });
    } finally {
      restore();
    }
    assert.deepEqual(await readdir(join(dir, 's/assets/a')), ['1']);
  });

  describe('on a small disk', () => {
    let disk: string;
    let isMounted = false;
    before(async function () {
      disk = await makeDir();
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk], { stdio: 'ignore' });
        isMounted = true;
      } catch {
        // Mounting needs root; without it the skip shows in the run's last line.
        this.skip();
      }
    });
    after(async () => {
      if (isMounted) execFileSync('umount', [disk]);
      await rm(disk, { recursive: true });
    });

    afterEach(() => rm(join(disk, 'sources'), { recursive: true, force: true }));

    it('says storage_full when the disk fills up under a write, and leaves nothing of it', async () => {
      const storage = createLocalStorage({ dir: disk, log, minFreeBytes: 0 });
      const writer = await storage.createWriter('sources/big');
      writer.stream.write(randomBytes(64 * MIB));
      await assert.rejects(writer.commit(), DiskFullError);
      await writer.abort();
      assert.deepEqual(await readdir(join(disk, 'sources')), []);
      const small = await storage.createWriter('sources/small');
      small.stream.write('fits again');
      assert.deepEqual(await small.commit(), { sizeBytes: 10 });
    });

    it('says storage_full for a put, and leaves nothing of it', async () => {
      const storage = createLocalStorage({ dir: disk, log, minFreeBytes: 0 });
      const big = join(dir, 'big');
      await writeFile(big, randomBytes(64 * MIB));
      await assert.rejects(storage.put('assets/a/big', big), DiskFullError);
      assert.deepEqual(await readdir(join(disk, 'assets/a')), []);
    });

    it('stops a write that runs into the free space floor', async () => {
      const { bavail, bsize } = await statfs(disk);
      const storage = createLocalStorage({ dir: disk, log, minFreeBytes: bavail * bsize - 8 * MIB });
      const writer = await storage.createWriter('sources/a');
      writer.stream.write(randomBytes(40 * MIB));
      await assert.rejects(writer.commit(), DiskFullError);
      await writer.abort();
      assert.deepEqual(await readdir(join(disk, 'sources')), []);
    });
  });
});
