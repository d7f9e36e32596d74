import { createReadStream } from 'node:fs';
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { SourceMissingError } from '../errors.ts';
import { onDisk } from './diskErrors.ts';
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
  return {
    write: (bytes) => onDisk(() => write(bytes)),
    sync: () =>
      onDisk(async () => {
        // Everything written before has been with the kernel since its `write` resolved.
        const sizeBytes = sink.sizeBytes();
        await sink.sync();
        // Without its name a synced file is lost all the same.
        if (!isNamed) await syncFoldersUpTo(folder, root);
        isNamed = true;
        return sizeBytes;
      }),
    close: () =>
      onDisk(async () => {
        if (isClosed) return;
        isClosed = true;
        sink.stream.destroy();
        await finished(sink.stream).catch(() => {});
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
  for (const piece of filled) await assertHolds(piece);
  const sizeBytes = filled.reduce((sum, piece) => sum + piece.sizeBytes, 0);
  await makeFolder(place.folder);
  try {
    const [only] = filled;
    if (filled.length === 1 && only && (await stat(only.path)).size === only.sizeBytes)
      await link(only.path, place.unfinished);
    else await copyPieces(place.unfinished, filled, options);
    await rename(place.unfinished, place.target);
    await syncFoldersUpTo(place.folder, place.root);
    return { sizeBytes };
  } catch (error) {
    await rm(place.unfinished, { force: true });
    throw error;
  }
}

async function assertHolds({ path, sizeBytes }: Piece): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found || found.size < sizeBytes)
    throw new SourceMissingError('Received bytes are no longer in the storage');
}

async function copyPieces(
  target: string,
  pieces: readonly Piece[],
  { signal, onProgress, checkSpace }: JoinOptions & { checkSpace: () => Promise<void> },
): Promise<void> {
  await checkSpace();
  const handle = await open(target, 'wx', 0o640);
  try {
    const sink = createFileSink(handle, checkSpace);
    async function* read() {
      for (const { path, sizeBytes } of pieces) {
        for await (const bytes of createReadStream(path, {
          end: sizeBytes - 1,
          highWaterMark: READ_BYTES,
        })) {
          yield bytes;
          onProgress?.(sink.sizeBytes());
        }
      }
    }
    await pipeline(read, sink.stream, { signal });
    await sink.sync();
  } finally {
    await handle.close();
  }
}
