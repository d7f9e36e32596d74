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
  it('is ended by its mark; nothing that only speaks of the folder is', async function () {
    if (process.platform !== 'linux') return this.skip();
    const folder = `/tmp/${uniqueName('run')}`;
    const start = (env: Record<string, string>, ...args: string[]) =>
      spawn(process.execPath, [...FOREVER, ...args], { env, stdio: 'ignore' });
    const strays = [
      start({ TEST_RUN_DIR: folder }),
      start({ DATA_DIR: `${folder}/data`, TEST_RUN_DIR: folder }, 'worker'),
    ];
    const others = [
      start({}, `${folder}/log`),
      start({ DATA_DIR: `${folder}/data` }),
      // Runs of which one has a longer name.
      start({ TEST_RUN_DIR: `${folder}2` }),
      start({ TEST_RUN_DIR: folder.slice(0, -1) }),
      start({ OLD_TEST_RUN_DIR: folder }),
    ];
    try {
      const ended = strays.map(async (child) => (await once(child, 'exit'))[1]);
      await endStrays(folder);
      assert.deepEqual(await Promise.all(ended), ['SIGKILL', 'SIGKILL']);
      for (const { exitCode, signalCode, spawnargs } of others)
        assert.deepEqual([exitCode, signalCode], [null, null], spawnargs.join(' '));
    } finally {
      for (const child of [...strays, ...others]) child.kill('SIGKILL');
    }
  });

  it('of another user is left alone', async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return this.skip();
    const folder = `/tmp/${uniqueName('run')}`;
    const env = { TEST_RUN_DIR: folder };
    const other = spawn('sleep', ['60'], { env, uid: 65_534, gid: 65_534, stdio: 'ignore' });
    try {
      await once(other, 'spawn');
      await endStrays(folder);
      assert.deepEqual([other.exitCode, other.signalCode], [null, null]);
    } finally {
      other.kill('SIGKILL');
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
