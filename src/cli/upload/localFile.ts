import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { FileTroubleError } from '../failures.ts';

/** A file of this machine as it was when its upload began. */
export interface LocalFile {
  /** As it was given on the command line. */
  given: string;
  /** Absolute, links resolved. */
  path: string;
  name: string;
  sizeBytes: number;
  mtimeMs: number;
}

/** @throws FileTroubleError when there is no file to be sent */
export async function inspectFile(given: string): Promise<LocalFile> {
  try {
    const path = await realpath(given);
    const facts = await stat(path);
    if (!facts.isFile()) throw new FileTroubleError('file_unreadable', 'This is not a regular file');
    if (facts.size === 0) throw new FileTroubleError('empty_file', 'The file has no bytes');
    // The name as given: a link is often the only one who knows the title.
    return { given, path, name: basename(given), sizeBytes: facts.size, mtimeMs: facts.mtimeMs };
  } catch (error) {
    throw error instanceof FileTroubleError ? error : unreadable(error);
  }
}

/** @throws FileTroubleError when the file is another one than at first */
export async function assertUnchanged({ path, sizeBytes, mtimeMs }: LocalFile): Promise<void> {
  const facts = await stat(path).catch((error: unknown) => {
    throw unreadable(error);
  });
  if (facts.size === sizeBytes && facts.mtimeMs === mtimeMs) return;
  throw new FileTroubleError('file_changed', 'The file was changed while it was being uploaded');
}

function unreadable(error: unknown): FileTroubleError {
  const code = (error as NodeJS.ErrnoException).code;
  const reasons: Record<string, string> = {
    ENOENT: 'There is no such file',
    EACCES: 'The file may not be read',
    EPERM: 'The file may not be read',
  };
  const message = reasons[code ?? ''] ?? `The file cannot be read (${code ?? 'unknown reason'})`;
  return new FileTroubleError('file_unreadable', message, { cause: error });
}

/** What the tus client asks for the bytes; `size` is where it looks for their number. */
export interface ByteSource {
  size: number;
  slice(start: number, end: number): Promise<{ value: Readable & { size: number }; done: boolean }>;
  close(): void;
}

/**
 * Gives the source of a file's bytes. The client's own one leaves the errors of its stream to nobody, which
 * ends the process: here `onTrouble` hears of them, and of a file that ends too early.
 */
export function createByteSource(
  { path, sizeBytes }: LocalFile,
  onTrouble: (error: FileTroubleError) => void,
): ByteSource {
  let open: Readable | undefined;
  return {
    size: sizeBytes,
    slice: async (start, end) => {
      const stream = createReadStream(path, { start, end: end - 1, highWaterMark: 256 * 1024 });
      open = stream;
      stream.on('error', (error) => onTrouble(unreadable(error)));
      stream.on('end', () => {
        if (stream.bytesRead < end - start) {
          onTrouble(
            new FileTroubleError('file_changed', 'The file became shorter while it was being uploaded'),
          );
        }
      });
      return { value: Object.assign(stream, { size: end - start }), done: end >= sizeBytes };
    },
    close: () => open?.destroy(),
  };
}
