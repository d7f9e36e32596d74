import { createHash } from 'node:crypto';
import { copyFile, link, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DiskFullError, SourceMissingError } from '../errors.ts';
import type { Log } from '../log.ts';
import { CANNOT_LINK, codeOf, onDisk } from './diskErrors.ts';
import { makeFolder } from './durableFolders.ts';
import { createFileSink } from './fileSink.ts';
import { isUnfinished, unfinishedName } from './keys.ts';

/** A download that was not written to for this long belongs to a process that is gone. */
const ABANDONED_AFTER_MS = 10 * 60_000;
/** Between a download and its link another process may make room. */
const TRIES = 3;

export interface HostCacheOptions {
  /** Shared by all processes of this machine. */
  dir: string;
  maxBytes: number;
  log: Log;
}

/** What to fetch: bytes that never change under this identity. */
export interface Original {
  identity: string;
  sizeBytes: number;
  open(): Promise<Readable>;
}

/** Keeps what was fetched on this machine, the least recently used of it going first. */
export interface HostCache {
  /**
   * Gives a path inside `scratchDir` to the bytes. It is a name of its own for the file, which stays when the cache
   * lets go of its own.
   *
   * @throws DiskFullError after giving back all the room that the cache has; what `open` throws
   */
  fetch(original: Original, scratchDir: string): Promise<string>;
}

export function createHostCache({ dir, maxBytes, log }: HostCacheOptions): HostCache {
  const underWay = new Map<string, Promise<void>>();

  const download = async (name: string, original: Original): Promise<void> => {
    await makeFolder(dir);
    await makeRoom(dir, maxBytes - original.sizeBytes);
    const draft = join(dir, unfinishedName(name));
    await save(original, draft);
    await rename(draft, join(dir, name));
  };
  /** Once at a time: whoever wants the same meanwhile waits for it. */
  const downloadOnce = (name: string, original: Original): Promise<void> => {
    const running = underWay.get(name) ?? download(name, original).finally(() => underWay.delete(name));
    underWay.set(name, running);
    return running;
  };
  const giveBackRoom = async (error: unknown): Promise<never> => {
    if (error instanceof DiskFullError) {
      log.warn('the disk is full: everything fetched goes');
      await makeRoom(dir, 0).catch(() => {});
    }
    throw error;
  };

  return {
    fetch: (original, scratchDir) =>
      onDisk(async () => {
        const name = createHash('sha256').update(original.identity).digest('hex');
        const target = join(scratchDir, `source-${name.slice(0, 16)}`);
        // Too large to be kept; the limit is for the cache, not for the work.
        if (original.sizeBytes > maxBytes) await save(original, target);
        else
          for (let tries = 1; !(await lend(join(dir, name), target, original.sizeBytes)); tries++) {
            if (tries > TRIES) throw new DiskFullError();
            await downloadOnce(name, original);
          }
        return target;
      }).catch(giveBackRoom),
  };
}

/** Gives a kept file a second name. @returns whether it is there, and whole */
async function lend(kept: string, target: string, sizeBytes: number): Promise<boolean> {
  try {
    if ((await stat(kept)).size !== sizeBytes) {
      await rm(kept, { force: true });
      return false;
    }
    const now = new Date();
    await utimes(kept, now, now);
    await link(kept, target);
    return true;
  } catch (error) {
    const code = codeOf(error);
    // Fetched a second time for the same work.
    if (code === 'EEXIST') return true;
    if (code === 'ENOENT') return false;
    if (!CANNOT_LINK.has(code ?? '')) throw error;
    return copyKept(kept, target);
  }
}

async function copyKept(kept: string, target: string): Promise<boolean> {
  try {
    await copyFile(kept, target);
    return true;
  } catch (error) {
    await rm(target, { force: true });
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Writes the bytes to a file, durably: a power loss must not leave a file that only looks whole. */
async function save({ open: openOriginal, sizeBytes }: Original, path: string): Promise<void> {
  const body = await openOriginal();
  try {
    const handle = await open(path, 'w', 0o640);
    try {
      const sink = createFileSink(handle, async () => {});
      await pipeline(body, sink.stream);
      if (sink.sizeBytes() !== sizeBytes)
        throw new SourceMissingError('The stored object is not as long as it should be');
      await sink.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    body.destroy();
    await rm(path, { force: true });
    throw error;
  }
}

interface KeptFile {
  path: string;
  sizeBytes: number;
  usedAtMs: number;
  isUnfinished: boolean;
}

/** Removes abandoned downloads, and kept files, longest unused first, until the rest is small enough. */
async function makeRoom(dir: string, keepBytes: number): Promise<void> {
  const files = await readFiles(dir);
  const abandonedBefore = Date.now() - ABANDONED_AFTER_MS;
  let totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const goesAtOnce = (file: KeptFile) => file.isUnfinished && file.usedAtMs < abandonedBefore;
  const candidates = [
    ...files.filter(goesAtOnce),
    ...files.filter((file) => !file.isUnfinished).sort((a, b) => a.usedAtMs - b.usedAtMs),
  ];
  for (const file of candidates) {
    if (totalBytes <= keepBytes && !goesAtOnce(file)) return;
    await rm(file.path, { force: true });
    totalBytes -= file.sizeBytes;
  }
}

async function readFiles(dir: string): Promise<KeptFile[]> {
  const files = await Promise.all(
    (await readdir(dir)).map(async (name) => {
      const path = join(dir, name);
      // Another process may have removed it.
      const found = await stat(path).catch(() => null);
      if (!found?.isFile()) return [];
      return [{ path, sizeBytes: found.size, usedAtMs: found.mtimeMs, isUnfinished: isUnfinished(name) }];
    }),
  );
  return files.flat();
}
