import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type BackOff,
  backOffMs,
  createPart,
  DEFAULT_BACK_OFF,
  type PartSpec,
} from '../../src/local/part.ts';
import { identifyProcess, isAlive } from '../../src/local/processIdentity.ts';
import { waitForLine } from '../../src/local/readiness.ts';
import { waitFor } from '../support/stack.ts';

const FAST: BackOff = { firstMs: 20, maxMs: 80, healthyMs: 60_000 };

/** A part whose program is a few words of JavaScript; remembers all it launched. */
function describeProgram(script: string | ((launch: number) => string), more: Partial<PartSpec> = {}) {
  const children: ChildProcess[] = [];
  const said: string[] = [];
  const spec: PartSpec = {
    name: 'program',
    launch: async () => {
      const text = typeof script === 'string' ? script : script(children.length);
      const child = spawn(process.execPath, ['-e', text], {
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      });
      children.push(child);
      await once(child, 'spawn');
      return child;
    },
    stopSignals: [
      { signal: 'SIGTERM', waitMs: 300 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ],
    ...more,
  };
  const record = { note: () => undefined, forget: () => undefined };
  const part = createPart(spec, { record, say: (line) => void said.push(line), backOff: FAST });
  return { part, children, said };
}

const FOREVER = "console.log('ready'); setInterval(() => {}, 1000)";
const waitUntilReady: PartSpec['waitUntilReady'] = (child, died) =>
  waitForLine(child.stdout, /ready/, { died, timeoutMs: 10_000, what: 'program' });

describe('a supervised part', () => {
  it('waits longer after each failure in a row, up to a limit', () => {
    const waits = [1, 2, 3, 4, 7, 8, 50].map((failures) => backOffMs(failures, DEFAULT_BACK_OFF));
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 30_000, 30_000, 30_000]);
  });

  it('is started again when it is killed, and is ready again', async () => {
    const { part, children, said } = describeProgram(FOREVER, { waitUntilReady });
    await part.start();
    try {
      children[0]?.kill('SIGKILL');
      await waitFor(() => said.includes('program runs again'), { what: 'the second start' });
      assert.equal(children.length, 2);
      assert.equal(part.deaths, 1);
      assert.match(said.join('\n'), /program was ended by SIGKILL: starting it again in 0.02 s/);
    } finally {
      await part.stop();
    }
  });

  it('keeps trying one that dies at every start', async () => {
    const { part, said } = describeProgram('process.exit(3)');
    await part.start();
    try {
      await waitFor(() => part.deaths >= 4, { what: 'four deaths' });
      const waits = said.flatMap(
        (line) => /ended with code 3: starting it again in (\S+) s/.exec(line)?.[1] ?? [],
      );
      assert.deepEqual(waits.slice(0, 4), ['0.02', '0.04', '0.08', '0.08']);
    } finally {
      await part.stop();
    }
  });

  it('does not wait for a restart that never gets ready', async () => {
    const scripts = [FOREVER, 'process.exit(1)', FOREVER];
    const { part, children, said } = describeProgram((launch) => scripts[launch] ?? FOREVER, {
      waitUntilReady,
    });
    await part.start();
    try {
      children[0]?.kill('SIGKILL');
      await waitFor(() => said.includes('program runs again'), { what: 'the third start' });
      assert.equal(children.length, 3);
    } finally {
      await part.stop();
    }
  });

  it('fails at once when its first start fails', async () => {
    const { part, children } = describeProgram('process.exit(1)', { waitUntilReady });
    await assert.rejects(part.start(), /program ended with code 1/);
    assert.equal(children.length, 1);
  });

  it('stays stopped, and is killed when it does not heed the first signal', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); ${FOREVER}`;
    const { part, children } = describeProgram(stubborn, { waitUntilReady });
    await part.start();
    await part.stop();
    assert.equal(children[0]?.signalCode, 'SIGKILL');
    assert.equal(children.length, 1);
    assert.equal(part.deaths, 0);
  });

  it('takes its own children with it when it dies', async () => {
    const parent = `const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      console.log('pid=' + child.pid + ' ready'); setInterval(() => {}, 1000)`;
    let printed = '';
    const { part, children } = describeProgram(parent, {
      waitUntilReady: async (child, died) => {
        child.stdout?.on('data', (chunk) => {
          printed += chunk;
        });
        await waitForLine(child.stdout, /pid=\d+ ready/, { died, timeoutMs: 10_000, what: 'program' });
      },
    });
    await part.start();
    const grandchild = identifyProcess(Number(/pid=(\d+)/.exec(printed)?.[1]));
    assert.ok(grandchild);
    children[0]?.kill('SIGKILL');
    await waitFor(() => !isAlive(grandchild), { what: 'the end of the grandchild' });
    await part.stop();
  });

  it('waits, when it is stopped, for a launch in progress and ends what it launched', async () => {
    const gate = Promise.withResolvers<void>();
    const launches: ChildProcess[] = [];
    let isLaunching = false;
    const { part } = describeProgram(FOREVER, {
      launch: async () => {
        isLaunching = launches.length > 0;
        if (isLaunching) await gate.promise;
        const child = spawn(process.execPath, ['-e', FOREVER], { stdio: 'ignore', detached: true });
        launches.push(child);
        await once(child, 'spawn');
        if (launches.length === 1) setImmediate(() => child.kill('SIGKILL'));
        return child;
      },
    });
    await part.start();
    await waitFor(() => isLaunching, { what: 'the second launch' });
    const stopped = part.stop();
    gate.resolve();
    await stopped;
    assert.equal(launches.length, 2);
    assert.ok(launches[1]?.signalCode, 'nothing is left running');
  });
});
