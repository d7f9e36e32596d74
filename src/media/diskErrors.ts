import { DiskFullError } from '../errors.ts';

const FULL = ['ENOSPC', 'EDQUOT'];

/**
 * Throws a file system error on, as DiskFullError when that is what it means.
 *
 * @throws always
 */
export function rethrowDiskError(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && FULL.includes(code)) throw new DiskFullError(undefined, { cause: error });
  throw error;
}
