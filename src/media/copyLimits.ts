import type { ToolLimits } from './confinement.ts';

const MIB = 1024 * 1024;
const SLOW_BYTES_PER_SEC = 10 * MIB;

/**
 * Gives what copying streams into another container may take: room for what containers add, and for a slow disk.
 *
 * @param sizeBytes of all that is read
 * @param durationSec of what is written
 */
export function copyLimits(sizeBytes: number, durationSec: number): ToolLimits {
  const wallClockSec = 60 + durationSec * 0.5 + sizeBytes / SLOW_BYTES_PER_SEC;
  return { wallClockSec, cpuSec: wallClockSec, fileSizeBytes: sizeBytes * 2 + 64 * MIB };
}
