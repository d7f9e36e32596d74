import { readFile } from 'node:fs/promises';
import type { Log } from '../../log.ts';

/** What a process opens beside its streams: connections to the database and the engine, files that are given out, uploads. */
const BESIDE = 500;

/** Gives how many files, and so connections, this process may have open at a time; null where the system does not tell. */
async function readLimit(): Promise<number | null> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  // The first number is the one that holds; Node has raised it to the second, the highest it may.
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits) ?? [];
  return soft === undefined || soft === 'unlimited' ? null : Number(soft);
}

/** Says so when the system allows fewer connections than as many streams need. */
export async function warnOfFewFiles({
  streams,
  log,
  limit = readLimit,
}: {
  streams: number;
  log: Log;
  limit?: () => Promise<number | null>;
}): Promise<void> {
  const allowed = await limit();
  if (allowed === null || allowed >= streams + BESIDE) return;
  log.warn(
    { open_files: allowed, needed: streams + BESIDE },
    'too few open files are allowed for EVENT_STREAMS_MAX: raise "ulimit -n", or lower it',
  );
}
