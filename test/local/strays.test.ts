import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endStrays } from '../../src/local/strays.ts';
import { uniqueName } from '../support/stack.ts';

const FOREVER = ['-e', 'setInterval(() => {}, 1000)'];

describe('what a test run leaves behind', () => {
  it('is ended by the folder in its command line or environment; nothing else is', async function () {
    if (process.platform !== 'linux') return this.skip();
    const folder = `/tmp/${uniqueName('run')}`;
    const start = (args: string[], env: Record<string, string>) =>
      spawn(process.execPath, [...FOREVER, ...args], { env, stdio: 'ignore' });
    const strays = [start([`${folder}/data`], {}), start([], { DATA_DIR: `${folder}/data` })];
    const other = start([], { DATA_DIR: '/tmp' });
    try {
      const ended = strays.map(async (child) => (await once(child, 'exit'))[1]);
      await endStrays(folder);
      assert.deepEqual(await Promise.all(ended), ['SIGKILL', 'SIGKILL']);
      assert.deepEqual([other.exitCode, other.signalCode], [null, null]);
    } finally {
      for (const child of [...strays, other]) child.kill('SIGKILL');
    }
  });

  it('is unmounted', async function () {
    const folder = await mkdtemp(join(tmpdir(), 'vf-strays-'));
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    // Only root may mount a small disk; elsewhere the suite says that this was left out.
    if (mounted.status !== 0) return this.skip();
    await endStrays(folder);
    await rm(folder, { recursive: true });
  });
});
