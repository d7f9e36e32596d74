import type { FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { toStorageError } from './diskErrors.ts';

/**
 * What waits in memory per write under way. Socket reads come in 64 KiB; while one write is with the
 * kernel the next ones gather, and go out as one call.
 */
const GATHER_BYTES = 1024 * 1024;
/** How much is written between two looks at the free space and two pushes towards the disk. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;

export interface FileSink {
  readonly stream: Writable;
  readonly sizeBytes: () => number;
  /** Resolves when everything written is on the disk; once it failed it never does again. */
  sync(): Promise<void>;
}

/**
 * A stream into an open file, which stays open when the stream ends. It begins to push bytes to the
 * disk while later ones still arrive, so that the sync at the end has little left to wait for.
 *
 * @param checkSpace called every so often; throws when there is no room for more
 */
export function createFileSink(handle: FileHandle, checkSpace: () => Promise<void>): FileSink {
  let sizeBytes = 0;
  let sinceCheckpoint = 0;
  let push: Promise<void> | undefined;
  let syncError: unknown;

  /** A sync that fails tells so once only, and the next one may succeed: its error is kept for whoever asks next. */
  const keepError = (error: unknown) => {
    syncError ??= error;
  };
  const beginPush = () => {
    push ??= handle
      .datasync()
      .catch(keepError)
      .finally(() => {
        push = undefined;
      });
  };

  const write = async (buffers: Buffer[]) => {
    if (syncError) throw syncError;
    const written = await writeAll(handle, buffers);
    sizeBytes += written;
    sinceCheckpoint += written;
    if (sinceCheckpoint < CHECKPOINT_BYTES) return;
    sinceCheckpoint = 0;
    beginPush();
    await checkSpace();
  };
  const settle = (work: Promise<void>, done: (error?: Error | null) => void) =>
    work.then(
      () => done(),
      (error) => done(toStorageError(error)),
    );

  const stream = new Writable({
    highWaterMark: GATHER_BYTES,
    write: (chunk: Buffer, _encoding, done) => void settle(write([chunk]), done),
    writev: (chunks, done) => void settle(write(chunks.map(({ chunk }) => chunk as Buffer)), done),
  });
  return {
    stream,
    sizeBytes: () => sizeBytes,
    sync: async () => {
      await push;
      if (syncError) throw syncError;
      await handle.sync().catch(keepError);
      // One begun in between may have been told of what this one then was not.
      await push;
      if (syncError) throw syncError;
    },
  };
}

/** Writes every byte; the kernel may take fewer than it was given. */
async function writeAll(handle: FileHandle, buffers: Buffer[]): Promise<number> {
  const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  let { bytesWritten } = await handle.writev(buffers);
  while (bytesWritten < total) {
    const rest = Buffer.concat(buffers).subarray(bytesWritten);
    bytesWritten += (await handle.write(rest)).bytesWritten;
  }
  return total;
}
