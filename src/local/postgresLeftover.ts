import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, identifyProcess } from './processIdentity.ts';
import { Refusal } from './refusal.ts';

/**
 * Deals with the postmaster's pid file that a SIGKILL leaves behind. A server that still runs on this cluster is
 * stopped: it belongs to nobody. A pid that now is another program's is why Postgres would refuse to start, so the
 * file is removed, but only when nothing of the cluster runs any more.
 *
 * @throws Refusal when a server on this cluster cannot be stopped
 */
export async function clearPostmasterFile(cluster: string, say: (line: string) => void): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  const pid = readPid(file);
  if (pid === undefined) return;
  const members = listMembers(cluster, pid);
  const leader = members.includes(pid) ? identifyProcess(pid) : undefined;
  if (leader) {
    say(`Postgres: a server of a former run (process ${pid}) is still there, stopping it`);
    await endProcess(leader, [
      { signal: 'SIGINT', waitMs: 15_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);
  }
  await waitForMembers(cluster, pid);
  if (isNumberTaken(pid)) rmSync(file, { force: true });
}

/** The children of a killed postmaster notice its death and end by themselves, within moments. */
async function waitForMembers(cluster: string, pid: number): Promise<void> {
  for (const member of listMembers(cluster, pid)) {
    const identity = identifyProcess(member);
    if (!identity) continue;
    await endProcess(identity, [
      { signal: 'SIGTERM', waitMs: 5_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
    ]);
    if (identifyProcess(member)?.startedAt === identity.startedAt) {
      throw new Refusal(
        `Process ${member} still works on ${cluster} and does not end. End it: kill -9 ${member}`,
      );
    }
  }
}

/** What Postgres itself asks before it refuses; a zombie that nobody reaps counts there. */
function isNumberTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The processes that work on a cluster. Postgres makes the cluster its working folder and stays in it. */
function listMembers(cluster: string, pid: number): number[] {
  const folder = realpathSync(cluster);
  if (process.platform !== 'linux') return isPostgresOn(pid, cluster) ? [pid] : [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((candidate) => {
    try {
      return readlinkSync(`/proc/${candidate}/cwd`) === folder && readName(candidate) === 'postgres';
    } catch {
      return false;
    }
  });
}

const readName = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

function isPostgresOn(pid: number, cluster: string): boolean {
  try {
    const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes('postgres') && command.includes(cluster);
  } catch {
    return false;
  }
}
