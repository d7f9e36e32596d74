import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { sendSignal } from './processIdentity.ts';

const PATIENCE_MS = 5_000;

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Gone meanwhile, or somebody else's.
    return '';
  }
};

/**
 * Finds the processes of our user, this one left out, that carry the mark of a test run in their environment, as all
 * that its tests start do. There is none where the system does not show environments under /proc.
 */
function findMarked(folder: string): number[] {
  const found = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  const mark = `TEST_RUN_DIR=${folder}`;
  // A mere mention of the folder will not do: somebody may be reading what the run wrote.
  const isMarked = (pid: number) => readOrNothing(`/proc/${pid}/environ`).split('\0').includes(mark);
  return found.map(Number).filter((pid) => pid !== process.pid && isOurs(pid) && isMarked(pid));
}

/** Root may read the environment of everybody. */
function isOurs(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

/**
 * Ends what the tests of a run left behind. One that is given up ends them at once, and nobody else knows of their
 * servers, workers and small disks. Its own Postgres and Temporal are not among them: they are known by their record.
 */
export async function endStrays(folder: string): Promise<void> {
  await endProcesses(folder);
  unmountDisks(folder);
}

async function endProcesses(folder: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const pids = findMarked(folder);
    if (pids.length === 0 || Date.now() > deadline) return;
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await delay(50);
  }
}

function unmountDisks(folder: string): void {
  const points = readOrNothing('/proc/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
  // The innermost first.
  for (const point of points.toReversed()) spawnSync('umount', [point]);
}
