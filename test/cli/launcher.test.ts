import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVersion } from '../../src/cli/run.ts';
import { findProcesses } from '../support/processes.ts';
import { waitFor } from '../support/stack.ts';
import { makePlace, type Place, readLines } from './session.ts';
import { type StandInServer, startStandInServer } from './standInServer.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/videoflow.js', import.meta.url));
/** Makes a Node say that it is an older one, which the launcher has to believe. */
const AS_NODE_20 = [
  '--import',
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})',
];

describe('the launcher of the command', () => {
  it('runs the command with the Node that it has when that is new enough', () => {
    const { status, stdout } = spawnSync(process.execPath, [LAUNCHER, '--version'], { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [0, `${readVersion()}\n`]);
  });

  it('hands over to the installed Node when it is not, and ends as the command does', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [...AS_NODE_20, LAUNCHER, ...args], { encoding: 'utf8' });
    assert.deepEqual([run('--version').status, run('--version').stdout], [0, `${readVersion()}\n`]);
    assert.equal(run('nonsense').status, 2);
  });

  describe('with no Node to hand over to', () => {
    let place: Place;
    before(async () => {
      place = await makePlace();
    });
    after(() => place.remove());

    it('says what to do', async () => {
      await mkdir(join(place.dir, 'bin'));
      await cp(LAUNCHER, join(place.dir, 'bin', 'videoflow.mjs'));
      const args = [...AS_NODE_20, join(place.dir, 'bin', 'videoflow.mjs'), '--version'];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      assert.equal(status, 70);
      assert.match(stderr, /^videoflow: Node 24 is needed, .* Install Node 24 or newer and try again\.\n$/);
    });
  });

  describe('between a person and an upload', () => {
    let server: StandInServer;
    let place: Place;

    beforeEach(async () => {
      server = await startStandInServer();
      place = await makePlace();
    });

    afterEach(async () => {
      for (const { pid } of await findProcesses(place.dir)) process.kill(pid, 'SIGKILL');
      await server.close();
      await place.remove();
    });

    /** Starts an upload that never ends, as far as the first bytes. */
    async function startUpload() {
      server.faults.push(({ method }) => method === 'PATCH');
      const file = await place.writeBytes('a.mp4', 1000);
      const child = spawn(process.execPath, [...AS_NODE_20, LAUNCHER, 'upload', '--json', file], {
        env: { HOME: place.dir, VIDEOFLOW_URL: server.url, VIDEOFLOW_TOKEN: server.token },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let stdout = '';
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      const ended = once(child, 'exit');
      const closed = once(child.stdout, 'close').then(() => stdout);
      await waitFor(() => server.seen.some(({ method }) => method === 'PATCH'), { what: 'the first bytes' });
      return { child, ended, closed, file };
    }

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`passes ${signal} on`, async () => {
        const { child, ended, closed } = await startUpload();
        child.kill(signal);
        assert.deepEqual(await ended, [130, null]);
        assert.equal(readLines(await closed)[0]?.state, 'interrupted');
      });
    }

    it('takes the command with it when it is killed', async () => {
      const { child, closed, file } = await startUpload();
      assert.equal((await findProcesses(file)).length, 2);
      child.kill('SIGKILL');
      assert.equal(readLines(await closed)[0]?.state, 'interrupted');
      await waitFor(async () => (await findProcesses(file)).length === 0, { what: 'the end of the command' });
    });
  });
});
