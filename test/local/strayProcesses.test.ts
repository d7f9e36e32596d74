import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endStrayProcesses } from '../../src/local/strayProcesses.ts';
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
      await endStrayProcesses(folder);
      assert.deepEqual(await Promise.all(ended), ['SIGKILL', 'SIGKILL']);
      assert.deepEqual([other.exitCode, other.signalCode], [null, null]);
    } finally {
      for (const child of [...strays, other]) child.kill('SIGKILL');
    }
  });
});
