import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Whether this process may install packages by apt. */
export const canApt = (): boolean =>
  process.getuid?.() === 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;

/** Installs a package without asking anything. @returns whether apt is content */
export const installByApt = async (name: string): Promise<boolean> =>
  (await runApt(['update', '-qq'])) &&
  (await runApt(['install', '-y', '-qq', '--no-install-recommends', name]));

async function runApt(args: string[]): Promise<boolean> {
  const child = spawn('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}
