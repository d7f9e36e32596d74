import { type FileHandle, link, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { SourceMissingError, StorageUnavailableError } from '../errors.ts';
import { CANNOT_LINK, codeOf, onDisk } from './diskErrors.ts';
import { makeFolder, syncFoldersUpTo } from './durableFolders.ts';
import { createFileSink } from './fileSink.ts';
import type { Place } from './local.ts';
import type { JoinOptions, SegmentWriter } from './storage.ts';

const READ_BYTES = 1024 * 1024;

interface SegmentPlace {
  folder: string;
  root: string;
  checkSpace: () => Promise<void>;
}

/** Writes a segment into an open, empty file. */
export function openSegment(handle: FileHandle, { folder, root, checkSpace }: SegmentPlace): SegmentWriter {
  const sink = createFileSink(handle, checkSpace);
  // Told again by the write or the sync that comes next; unheard it would end the process.
  sink.stream.on('error', () => {});
  let isNamed = false;
  let isClosed = false;
  const write = (bytes: Buffer) =>
    new Promise<void>((resolve, reject) => {
      if (sink.stream.errored) return reject(sink.stream.errored);
      sink.stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  let syncing: Promise<unknown> = Promise.resolve();
  const sync = async () => {
    if (isClosed) throw new StorageUnavailableError('The segment is closed');
    // Everything written before has been with the kernel since its `write` resolved.
    const sizeBytes = sink.sizeBytes();
    await sink.sync();
    // Without its name a synced file is lost all the same.
    if (!isNamed) await syncFoldersUpTo(folder, root);
    isNamed = true;
    return sizeBytes;
  };
  return {
    write: (bytes) => onDisk(() => write(bytes)),
    sync: () => {
      // One after the other: of two at once, one may not be told of an error.
      const synced = syncing.then(() => onDisk(sync));
      syncing = synced.catch(() => {});
      return synced;
    },
    close: () =>
      onDisk(async () => {
        if (isClosed) return;
        isClosed = true;
        sink.stream.destroy();
        await finished(sink.stream).catch(() => {});
        // Waits for what is being written, so that its bytes go nowhere else.
        await handle.close();
      }),
  };
}

export interface Piece {
  path: string;
  sizeBytes: number;
}

/** Makes one object of files. A single file that holds nothing else is only given another name. */
export async function joinPieces(
  place: Place,
  pieces: readonly Piece[],
  options: JoinOptions & { checkSpace: () => Promise<void> },
): Promise<{ sizeBytes: number }> {
  const filled = pieces.filter(({ sizeBytes }) => sizeBytes > 0);
  const sizes = await Promise.all(filled.map(assertHolds));
  const sizeBytes = filled.reduce((sum, piece) => sum + piece.sizeBytes, 0);
  await makeFolder(place.folder);
  try {
    const [only] = filled;
    const isWhole = filled.length === 1 && only !== undefined && sizes[0] === only.sizeBytes;
    if (!isWhole || !(await giveName(only.path, place.unfinished)))
      await copyPieces(place.unfinished, filled, { ...options, sizeBytes });
    await rename(place.unfinished, place.target);
    await syncFoldersUpTo(place.folder, place.root);
    return { sizeBytes };
  } finally {
    // Left by a failure; or by a second join, since renaming one name of a file to another one of it does nothing.
    await rm(place.unfinished, { force: true });
  }
}

/** @returns the size of the file that holds the piece */
async function assertHolds({ path, sizeBytes }: Piece): Promise<number> {
  const found = await stat(path).catch(toMissing);
  if (found.size < sizeBytes) throw missing();
  return found.size;
}

/** Gives a file a second name. @returns false where the file system knows no such thing */
async function giveName(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
  } catch (error) {
    if (CANNOT_LINK.has(codeOf(error) ?? '')) return false;
    return toMissing(error);
  }
  const now = new Date();
  // An object is as old as its key; the sweep must not take it for one that nobody wanted for days.
  await utimes(name, now, now);
  return true;
}

interface CopyOptions extends JoinOptions {
  sizeBytes: number;
  checkSpace: () => Promise<void>;
}

async function copyPieces(
  target: string,
  pieces: readonly Piece[],
  { signal, onProgress, sizeBytes: expectedBytes, checkSpace }: CopyOptions,
): Promise<void> {
  await checkSpace();
  const handle = await open(target, 'wx', 0o640);
  try {
    const sink = createFileSink(handle, checkSpace);
    async function* read() {
      for (const { path, sizeBytes } of pieces) {
        const file = await open(path, 'r').catch(toMissing);
        for await (const bytes of file.createReadStream({
          end: sizeBytes - 1,
          highWaterMark: READ_BYTES,
        })) {
          yield bytes;
          onProgress?.(sink.sizeBytes());
        }
      }
    }
    await pipeline(read, sink.stream, { signal });
    if (sink.sizeBytes() !== expectedBytes) throw missing();
    await sink.sync();
  } finally {
    await handle.close();
  }
}

const missing = () => new SourceMissingError('Received bytes are no longer in the storage');
const toMissing = (error: unknown): never => {
  throw codeOf(error) === 'ENOENT' ? missing() : error;
};
