import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { StorageUnavailableError } from '../../src/errors.ts';
import { openSegment } from '../../src/storage/localSegments.ts';

const MIB = 1024 * 1024;
/** Two of them make the sink push to the disk on its own. */
const HALF_CHECKPOINT = Buffer.alloc(16 * MIB);

/** A file on a disk that fails when told to, and tells so only once, as the kernel does. */
function openFailingDisk() {
  let isFailing = false;
  let closes = 0;
  const flush = async () => {
    if (!isFailing) return;
    isFailing = false;
    throw Object.assign(new Error('i/o error'), { code: 'EIO' });
  };
  const handle = {
    writev: async (buffers: Buffer[]) => ({
      bytesWritten: buffers.reduce((sum, { length }) => sum + length, 0),
    }),
    sync: flush,
    datasync: flush,
    close: async () => void closes++,
  };
  return {
    handle: handle as unknown as FileHandle,
    failOnce: () => {
      isFailing = true;
    },
    closes: () => closes,
  };
}

describe('a segment on a disk that fails', () => {
  let root: string;
  const open = (handle: FileHandle) =>
    openSegment(handle, { folder: root, root, checkSpace: async () => {} });

  before(async () => {
    root = await mkdtemp(`${tmpdir()}/videoflow-failing-`);
  });
  after(() => rm(root, { recursive: true }));

  it('never says that it synced once a sync failed', async () => {
    const disk = openFailingDisk();
    const segment = open(disk.handle);
    await segment.write(Buffer.alloc(1000));
    assert.equal(await segment.sync(), 1000);
    disk.failOnce();
    await segment.write(Buffer.alloc(1000));
    await assert.rejects(segment.sync(), StorageUnavailableError);
    await assert.rejects(segment.sync(), StorageUnavailableError);
    await assert.rejects(segment.write(Buffer.alloc(1)), StorageUnavailableError);
    await assert.rejects(segment.sync(), StorageUnavailableError);
    await segment.close();
    await segment.close();
    assert.equal(disk.closes(), 1);
  });

  it('fails both of two syncs at once, though the disk tells only one', async () => {
    const disk = openFailingDisk();
    const segment = open(disk.handle);
    await segment.write(Buffer.alloc(1000));
    disk.failOnce();
    const outcomes = await Promise.allSettled([segment.sync(), segment.sync()]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await segment.close();
  });

  it('fails the sync when a push in between was told of the error', async () => {
    const disk = openFailingDisk();
    const segment = open(disk.handle);
    await segment.write(HALF_CHECKPOINT);
    disk.failOnce();
    await segment.write(HALF_CHECKPOINT);
    await assert.rejects(segment.sync(), StorageUnavailableError);
    await segment.close();
  });
});
