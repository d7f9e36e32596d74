import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

let setprivWorks: boolean | undefined;

function canSetDeathSignal(): boolean {
  setprivWorks ??=
    process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
  return setprivWorks;
}

export interface TiedSpawn {
  command: string;
  args: string[];
  /** What the kernel sends the child when this process dies, by whatever death. */
  onParentDeath: 'KILL' | 'INT' | 'TERM';
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Shares our terminal and our process group instead, for a program whose output is the point. */
  isForeground?: boolean;
}

/**
 * Starts a child that dies with this process where the system can arrange that (Linux with util-linux), in a
 * process group of its own: the Ctrl-C of the terminal must reach the supervisor alone, which stops its parts in
 * order.
 *
 * @throws the spawn error, when the program cannot be started
 */
export async function spawnTied(tied: TiedSpawn): Promise<ChildProcess> {
  const { command, args, onParentDeath, isForeground = false, ...place } = tied;
  const options: SpawnOptions = {
    ...place,
    detached: !isForeground,
    stdio: isForeground ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  };
  const child = canSetDeathSignal()
    ? spawn('setpriv', ['--pdeathsig', onParentDeath, '--', command, ...args], options)
    : spawn(command, args, options);
  await once(child, 'spawn');
  return child;
}
