import { DiskFullError, StorageUnavailableError, VideoflowError } from '../errors.ts';

/** EDQUOT is a full disk for whoever has the quota. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Two file systems, or one that knows no second names of files, or no more of them: the file must be copied. */
export const CANNOT_LINK = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** The system's own code of a failed call, such as `ENOENT`. */
export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

/** Translates a failed system call; the original stays as the cause, for the log only. */
export function toStorageError(error: unknown): VideoflowError {
  if (error instanceof VideoflowError) return error;
  if (FULL.has(codeOf(error) ?? '')) return new DiskFullError(undefined, { cause: error });
  return new StorageUnavailableError('The storage cannot be read or written right now', { cause: error });
}

/** Runs work on the disk; what it throws is one of the storage's own errors. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStorageError(error);
  }
}
