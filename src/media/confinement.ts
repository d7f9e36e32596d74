import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Log } from '../log.ts';

/** What one run may use; the wall clock is the runner's own timer, the rest the kernel's. */
export interface ToolLimits {
  wallClockSec: number;
  cpuSec: number;
  /** Largest file the tool may write. */
  fileSizeBytes: number;
}

/** Nothing of the worker's own environment reaches the tool; the allocator is told to keep few arenas. */
export const TOOL_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin'].join(delimiter),
  LANG: 'C.UTF-8',
  MALLOC_ARENA_MAX: '2',
};

/** Room for the picture buffers of 8K and for the threads' stacks; a run away job meets it before the machine does. */
const ADDRESS_SPACE_BYTES = 4 * 1024 ** 3;
const OPEN_FILES = 64;

/** Finds an executable by absolute path or on the tools' PATH; null when there is none. */
export async function findExecutable(name: string): Promise<string | null> {
  const candidates = isAbsolute(name)
    ? [name]
    : (TOOL_ENVIRONMENT.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  for (const candidate of candidates) {
    const isExecutable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return candidate;
  }
  return null;
}

/**
 * Gives the function that puts a command under the kernel's limits.
 *
 * `setpriv` stands first: the death signal survives exec (prctl(2)), so the moment in which the tool
 * could outlive its worker is as short as it gets. What a machine lacks is left out, with a warning.
 */
export async function createConfinement({ log }: { log: Log }) {
  const [setpriv, nice, prlimit] = await Promise.all(['setpriv', 'nice', 'prlimit'].map(findExecutable));
  const missing = Object.entries({ setpriv, nice, prlimit }).filter(([, path]) => !path);
  if (missing.length > 0) {
    log.warn(
      { missing: missing.map(([name]) => name) },
      'media tools run with fewer limits: install util-linux',
    );
  }
  return (argv: readonly string[], limits: ToolLimits): string[] => [
    ...(setpriv ? [setpriv, '--pdeathsig', 'SIGKILL'] : []),
    ...(nice ? [nice, '-n', '19'] : []),
    ...(prlimit
      ? [
          prlimit,
          `--cpu=${Math.ceil(limits.cpuSec)}`,
          `--fsize=${Math.ceil(limits.fileSizeBytes)}`,
          `--as=${ADDRESS_SPACE_BYTES}`,
          `--nofile=${OPEN_FILES}`,
          '--core=0',
        ]
      : []),
    ...argv,
  ];
}

export type Confine = Awaited<ReturnType<typeof createConfinement>>;
