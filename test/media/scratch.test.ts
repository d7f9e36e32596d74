import assert from 'node:assert/strict';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createScratch } from '../../src/media/scratch.ts';
import { keepingLog, withFolder } from '../support/mediaAdapter.ts';

const { log } = keepingLog();
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

const makeFolder = async (dir: string, name: string, touchedAt: Date) => {
  await mkdir(join(dir, name, 'job-1'), { recursive: true });
  await writeFile(join(dir, name, 'job-1', 'source'), 'bytes');
  await utimes(join(dir, name), touchedAt, touchedAt);
};

describe('scratch', () => {
  it('lends a folder and takes it back with all that is in it, also after a failure', () =>
    withFolder(async (dir) => {
      const scratch = createScratch({ dir: join(dir, 'scratch'), log });
      const seen = await scratch.withDir(async (path) => {
        await mkdir(join(path, 'deep', 'er'), { recursive: true });
        await writeFile(join(path, 'deep', 'er', 'file'), 'bytes');
        return path;
      });
      const failure = new Error('the work failed');
      const failing = scratch.withDir(async (path) => {
        await writeFile(join(path, 'half'), 'bytes');
        throw failure;
      });
      await assert.rejects(failing, failure);
      const [own = ''] = await readdir(join(dir, 'scratch'));
      assert.ok(own.startsWith(`worker-${process.pid}-`) && seen.includes(own));
      assert.deepEqual(await readdir(join(dir, 'scratch', own)), []);
      await scratch.dispose();
      assert.deepEqual(await readdir(join(dir, 'scratch')), []);
    }));

  it('gives two borrowers two folders', () =>
    withFolder(async (dir) => {
      const scratch = createScratch({ dir, log });
      await scratch.withDir((one) => scratch.withDir(async (other) => assert.notEqual(one, other)));
      await scratch.dispose();
    }));

  it('sweeps only what others have left untouched for five minutes', () =>
    withFolder(async (dir) => {
      await makeFolder(dir, 'worker-1-gone', minutesAgo(6));
      await makeFolder(dir, 'worker-2-alive', minutesAgo(4));
      await makeFolder(dir, 'not-ours', minutesAgo(60));
      const scratch = createScratch({ dir, log });
      await scratch.withDir(async (path) => {
        const own = join(path, '..');
        await utimes(own, minutesAgo(60), minutesAgo(60));
        const other = createScratch({ dir: join(dir, 'elsewhere'), log });
        assert.equal(await scratch.sweep(), 1);
        assert.equal(await other.sweep(), 0);
        await other.dispose();
      });
      const left = await readdir(dir);
      assert.equal(left.includes('worker-1-gone'), false);
      assert.ok(left.includes('worker-2-alive') && left.includes('not-ours'));
      assert.equal(left.length, 3, 'the own folder is never swept');
      await scratch.dispose();
    }));
});
