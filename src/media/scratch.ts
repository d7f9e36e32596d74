import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskFullError } from '../errors.ts';
import type { Log } from '../log.ts';
import { rethrowDiskError } from './diskErrors.ts';

/** A folder nobody has touched for this long belongs to a worker that is gone. */
const ABANDONED_AFTER_MS = 5 * 60_000;
const TOUCH_EVERY_MS = 60_000;
const LEAST_ROOM_BYTES = 1024 * 1024;

/** The scratch space of one worker process. */
export type Scratch = ReturnType<typeof createScratch>;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/**
 * Makes the scratch space: one folder per process below `dir`, named so that no other process, and no
 * later one with the same number, has the same.
 *
 * A touch every minute says that the owner lives; process numbers would not do, since workers in several
 * containers may share the disk.
 */
export function createScratch({ dir, log: parentLog }: { dir: string; log: Log }) {
  const log = parentLog.child({ module: 'scratch' });
  const own = `worker-${process.pid}-${randomUUID()}`;
  const ownPath = join(dir, own);

  const touch = async (): Promise<void> => {
    const now = new Date();
    await utimes(ownPath, now, now).catch((error) => {
      // Nothing borrowed yet, or disposed of in this moment.
      if (!isMissing(error)) log.warn({ code: error.code }, 'scratch folder cannot be touched');
    });
  };
  const timer = setInterval(() => void touch(), TOUCH_EVERY_MS);
  timer.unref();

  const isAbandoned = async (name: string): Promise<boolean> => {
    const { mtimeMs } = await stat(join(dir, name));
    return Date.now() - mtimeMs > ABANDONED_AFTER_MS;
  };

  const removeIfAbandoned = async (name: string): Promise<boolean> => {
    try {
      if (!(await isAbandoned(name))) return false;
      await rm(join(dir, name), { recursive: true, force: true });
      log.info({ folder: name }, 'removed the scratch folder of a worker that is gone');
      return true;
    } catch (error) {
      // Another worker may sweep the same folder: whoever comes second finds nothing.
      if (!isMissing(error))
        log.warn({ folder: name, code: (error as NodeJS.ErrnoException).code }, 'scratch sweep failed');
      return false;
    }
  };

  return {
    /**
     * Lends an empty folder for as long as `work` runs and removes it with all that is in it, whatever happens.
     *
     * @throws what `work` throws; DiskFullError when no folder can be made
     */
    async withDir<T>(work: (path: string) => Promise<T>): Promise<T> {
      const path = await mkdir(ownPath, { recursive: true })
        .then(() => mkdtemp(join(ownPath, 'job-')))
        .catch(rethrowDiskError);
      try {
        return await work(path);
      } finally {
        await rm(path, { recursive: true, force: true, maxRetries: 3 });
      }
    },

    /**
     * Makes sure that the disk was not full: ffmpeg may end well on a full disk and leave a cut-off result,
     * which looks like the video's fault.
     *
     * @param moreBytes what is about to be written
     * @throws DiskFullError when less than a mebibyte is free beside that
     */
    async assertRoom(moreBytes = 0): Promise<void> {
      const { bavail, bsize } = await statfs(dir);
      if (bavail * bsize < LEAST_ROOM_BYTES + moreBytes) throw new DiskFullError();
    },

    /** Removes the folders of other processes that nobody has touched for five minutes; gives their number. */
    async sweep(): Promise<number> {
      const names = await readdir(dir).catch((error) => {
        // The next sweep comes in a minute; a worker must not die of one that failed.
        if (!isMissing(error)) log.warn({ code: error.code }, 'scratch cannot be swept');
        return [];
      });
      const others = names.filter((name) => name.startsWith('worker-') && name !== own);
      const removed = await Promise.all(others.map(removeIfAbandoned));
      return removed.filter(Boolean).length;
    },

    /** Removes the folder of this process. Only when no work is under way. */
    async dispose(): Promise<void> {
      clearInterval(timer);
      await rm(ownPath, { recursive: true, force: true });
    },
  };
}
