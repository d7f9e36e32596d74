import { constants, type Dirent } from 'node:fs';
import { copyFile, open, opendir, rename, rm, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { DiskFullError, SourceMissingError, VideoflowError } from '../errors.ts';
import type { Log } from '../log.ts';
import { codeOf, onDisk, toStorageError } from './diskErrors.ts';
import { makeFolder, syncFoldersUpTo } from './durableFolders.ts';
import { createFileSink } from './fileSink.ts';
import { segmentsOf, segmentsOfPrefix, segmentsOfRemovable, unfinishedName } from './keys.ts';
import { joinPieces, openSegment } from './localSegments.ts';
import type { ByteRange, ObjectWriter, Storage, StoredObject } from './storage.ts';

const READ_BYTES = 256 * 1024;
const ENTRIES_AT_ONCE = 256;

export interface LocalStorageOptions {
  /** The folder that holds everything; made when missing. */
  dir: string;
  log: Log;
  /** New objects are refused when less than this would stay free, so that running work can end. */
  minFreeBytes: number;
}

/**
 * Storage in a local folder, or one that every machine mounts at the same place. Objects are written
 * beside their place under a hidden name, synced, renamed and their folder synced: after a power loss
 * an object is whole or not there.
 */
export function createLocalStorage({ dir, log, minFreeBytes }: LocalStorageOptions): Storage {
  const root = resolve(dir);
  const pathOf = (segments: string[]) => join(root, ...segments);
  const placeOf = (key: string) => {
    const segments = segmentsOf(key);
    const name = segments.pop() as string;
    const folder = pathOf(segments);
    return { root, folder, target: join(folder, name), unfinished: join(folder, unfinishedName(name)) };
  };
  const freeBytes = () =>
    onDisk(async () => {
      await makeFolder(root);
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    });
  const checkSpace = async () => {
    if ((await freeBytes()) < minFreeBytes) throw new DiskFullError();
  };

  return {
    createWriter: (key) =>
      onDisk(async () => {
        const place = placeOf(key);
        await checkSpace();
        return openWriter(place, checkSpace, log);
      }),
    createSegment: (key) =>
      onDisk(async () => {
        await checkSpace();
        const folder = pathOf(segmentsOfPrefix(key));
        return openSegment(await createFile(pieceIn(folder)), { folder, root, checkSpace });
      }),
    join: (key, segments, options) =>
      onDisk(() => {
        const pieces = segments.map((segment) => ({
          path: pieceIn(pathOf(segmentsOfPrefix(segment.key))),
          sizeBytes: segment.sizeBytes,
        }));
        return joinPieces(placeOf(key), pieces, { ...options, checkSpace });
      }),
    put: (key, localPath) => onDisk(() => copyIn(placeOf(key), localPath)),
    open: (key, range) => onDisk(() => openObject(pathOf(segmentsOf(key)), range)),
    stat: (key) => onDisk(() => statObject(pathOf(segmentsOf(key)))),
    fetch: (key) =>
      onDisk(async () => {
        const path = pathOf(segmentsOf(key));
        if (!(await statObject(path))) throw missing();
        return path;
      }),
    remove: (keyOrPrefix) =>
      onDisk(() => {
        const isPrefix = keyOrPrefix.endsWith('/');
        const segments = isPrefix ? segmentsOfPrefix(keyOrPrefix) : segmentsOfRemovable(keyOrPrefix);
        return rm(pathOf(segments), { force: true, recursive: isPrefix });
      }),
    listOlderThan: (prefix, before) =>
      walkOlderThan(pathOf(segmentsOfPrefix(prefix)), prefix, before.getTime()),
    freeBytes,
    ping: () => onDisk(() => tryWriting(join(root, unfinishedName('ping')))),
  };
}

export interface Place {
  root: string;
  folder: string;
  target: string;
  unfinished: string;
}

/** The one piece of a segment: a file can be written on and on. */
const pieceIn = (folder: string): string => join(folder, '0');

/** Makes a file in a folder, which is made again when a removal took it away in between. */
async function makeIn<Made>(folder: string, make: () => Promise<Made>): Promise<Made> {
  await makeFolder(folder);
  try {
    return await make();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeFolder(folder);
    return make();
  }
}

/** Nothing of a video is for every user of the machine. */
const OBJECT_MODE = 0o640;

const createFile = (path: string) => makeIn(dirname(path), () => open(path, 'wx', OBJECT_MODE));

async function openWriter(place: Place, checkSpace: () => Promise<void>, log: Log): Promise<ObjectWriter> {
  const handle = await createFile(place.unfinished);
  const sink = createFileSink(handle, checkSpace);
  // Whoever writes gets the error from the write or from `commit`; unheard it would end the process.
  sink.stream.on('error', (error) => {
    if (error instanceof VideoflowError) log.warn({ err: error }, 'an object could not be written');
  });
  let visible: 'not yet' | 'perhaps' | 'durably' = 'not yet';
  return {
    stream: sink.stream,
    commit: () =>
      onDisk(async () => {
        sink.stream.end();
        await finished(sink.stream);
        await sink.sync();
        await handle.close();
        visible = 'perhaps';
        await rename(place.unfinished, place.target);
        await syncFoldersUpTo(place.folder, place.root);
        visible = 'durably';
        return { sizeBytes: sink.sizeBytes() };
      }),
    abort: () =>
      onDisk(async () => {
        if (visible === 'durably') return;
        sink.stream.destroy();
        await handle.close();
        await rm(place.unfinished, { force: true });
        if (visible === 'perhaps') await rm(place.target, { force: true });
      }),
  };
}

async function copyIn(place: Place, localPath: string): Promise<{ sizeBytes: number }> {
  try {
    await makeIn(place.folder, () =>
      copyFile(localPath, place.unfinished, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
    );
    const handle = await open(place.unfinished, 'r+');
    try {
      // A copy has the modes of what a tool made.
      await handle.chmod(OBJECT_MODE);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const { size } = await stat(place.unfinished);
    await rename(place.unfinished, place.target);
    await syncFoldersUpTo(place.folder, place.root);
    return { sizeBytes: size };
  } catch (error) {
    await rm(place.unfinished, { force: true });
    throw error;
  }
}

async function openObject(path: string, range?: ByteRange): Promise<Readable> {
  const handle = await open(path, 'r').catch((error) => {
    throw isMissing(error) ? missing() : error;
  });
  return handle.createReadStream({ highWaterMark: READ_BYTES, ...range });
}

async function statObject(path: string): Promise<StoredObject | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? { sizeBytes: found.size, modifiedAt: found.mtime } : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function* walkOlderThan(dir: string, prefix: string, beforeMs: number): AsyncGenerator<string> {
  for await (const entry of readEntries(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* walkOlderThan(path, `${prefix}${entry.name}/`, beforeMs);
    else if (entry.isFile() && (await onDisk(() => isOlder(path, beforeMs)))) yield `${prefix}${entry.name}`;
  }
}

/** Reads a folder bit by bit: it may hold more names than fit into the memory. */
async function* readEntries(dir: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(dir, { bufferSize: ENTRIES_AT_ONCE });
  } catch (error) {
    if (!isMissing(error)) throw toStorageError(error);
  }
}

async function isOlder(path: string, beforeMs: number): Promise<boolean> {
  const object = await statObject(path);
  return object !== null && object.modifiedAt.getTime() < beforeMs;
}

async function tryWriting(path: string): Promise<void> {
  const handle = await createFile(path);
  try {
    await handle.write('ping');
  } finally {
    await handle.close();
    await unlink(path);
  }
}

/** ENOTDIR: something above it is an object, so there can be none here. */
const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
const missing = () => new SourceMissingError('The stored object is not there');
