import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
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
 * Finds the processes, this one left out, that were started with a text in their command line or environment.
 * There is none where the system does not show them under /proc.
 */
function findProcesses(text: string): number[] {
  const found = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return found.map(Number).filter((pid) => pid !== process.pid && isOf(pid, text));
}

function isOf(pid: number, text: string): boolean {
  const words = ['cmdline', 'environ'].flatMap((part) => readOrNothing(`/proc/${pid}/${part}`).split('\0'));
  // Somebody's shell may have been opened there, to look.
  return words.some((word) => word.includes(text) && !/^(OLD)?PWD=/.test(word));
}

/**
 * Ends what the tests of a run left behind in its folder. One that is given up ends them at once, and nobody else
 * knows of their servers, workers and small disks.
 */
export async function endStrays(folder: string): Promise<void> {
  await endProcesses(folder);
  unmountDisks(folder);
}

async function endProcesses(folder: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const pids = findProcesses(folder);
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
