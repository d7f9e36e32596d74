import { statfsSync } from 'node:fs';
import { Refusal } from './refusal.ts';

const MIN_START_BYTES = 200 * 1024 ** 2;

/**
 * Refuses to start on a disk that would be full within minutes: Postgres panics on a full disk.
 *
 * @throws Refusal naming the folder and what is free
 */
export function checkDiskSpace(folder: string, freeBytes = readFreeBytes(folder)): void {
  if (freeBytes >= MIN_START_BYTES) return;
  const toMegabytes = (bytes: number) => Math.floor(bytes / 1024 ** 2);
  throw new Refusal(
    `Only ${toMegabytes(freeBytes)} MB are free on the disk of ${folder}, ${toMegabytes(MIN_START_BYTES)} MB are ` +
      'needed to start. Make room, or put the data elsewhere with DATA_DIR.',
  );
}

function readFreeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
