import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process as it can be told from a later one with the same number: pids are used again, start times are not. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

const POLL_MS = 25;

/**
 * Takes the start time out of a line of `/proc/<pid>/stat` (proc(5): field 22, in ticks since boot).
 * The name, field 2, stands in brackets and may hold spaces and brackets itself. Zombies count as gone: where no
 * init reaps orphans, a killed process stays in the table for ever.
 */
export function parseStartTicks(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? undefined : fields[19];
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  } catch {
    return 'boot';
  }
}

function readStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const ticks = parseStartTicks(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      // Ticks begin again at every boot.
      return ticks === undefined ? undefined : `${readBootId()}:${ticks}`;
    } catch {
      return undefined;
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

/** Gives the identity of a living process, or undefined when there is none of that number. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid < 1) return undefined;
  const startedAt = readStartTime(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Tells whether that very process, not another one that got its number, is still alive. */
export function isAlive({ pid, startedAt }: ProcessIdentity): boolean {
  return identifyProcess(pid)?.startedAt === startedAt;
}

/** Waits until the process is gone. Gives false when it is still there after `timeoutMs`. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Sends a signal to a process, or to its whole group; false when there is nobody to receive it. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Ends a process that a former run left behind: the signals one after the other, each with its time to work.
 * Does nothing when the identity no longer matches.
 */
export async function endProcess(
  identity: ProcessIdentity,
  signals: { signal: NodeJS.Signals; waitMs: number }[],
): Promise<void> {
  for (const { signal, waitMs } of signals) {
    if (!isAlive(identity)) return;
    sendSignal(identity.pid, signal);
    if (await waitForEnd(identity, waitMs)) return;
  }
}
