import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  endProcess,
  identifyProcess,
  isAlive,
  parseStartTicks,
  waitForEnd,
} from '../../src/local/processIdentity.ts';
import { openRunRecord } from '../../src/local/runRecord.ts';
import { writeState } from '../../src/local/stateFiles.ts';

async function startSleeper() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: 'ignore',
    detached: true,
  });
  await once(child, 'spawn');
  const identity = identifyProcess(child.pid ?? 0);
  assert.ok(identity);
  return { child, identity };
}

describe('process identity', () => {
  it('finds the start time behind a name with brackets and spaces', () => {
    const fields = Array.from({ length: 40 }, (_, index) => `f${index + 4}`).join(' ');
    assert.equal(parseStartTicks(`12 (a ) b (c)) S ${fields}`), 'f22');
  });

  it('counts a zombie as gone', () => {
    assert.equal(parseStartTicks(`12 (x) Z ${'1 '.repeat(40)}`), undefined);
  });

  it('knows itself, and nobody by a number that is no process', () => {
    const self = identifyProcess(process.pid);
    assert.ok(self && isAlive(self));
    assert.equal(identifyProcess(0), undefined);
    assert.equal(identifyProcess(2 ** 30), undefined);
  });

  it('does not take another process with the same number for it', () => {
    assert.equal(isAlive({ pid: process.pid, startedAt: 'earlier' }), false);
  });

  it('goes on to the next signal when one is not heeded', async () => {
    const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const identity = identifyProcess(child.pid ?? 0);
    assert.ok(identity);
    await endProcess(identity, [
      { signal: 'SIGTERM', waitMs: 200 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);
    assert.equal(isAlive(identity), false);
    assert.equal(child.signalCode ?? (await once(child, 'exit'))[1], 'SIGKILL');
  });
});

describe('the record of a run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'run-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('ends what a killed run left behind, and only that', async () => {
    const left = await startSleeper();
    const stranger = await startSleeper();
    try {
      writeState(join(folder, 'run.json'), {
        worker: left.identity,
        // Its number was given to another program meanwhile.
        api: { pid: stranger.identity.pid, startedAt: 'earlier' },
      });
      assert.deepEqual(await openRunRecord(join(folder, 'run.json')).endLeftovers(), ['worker']);
      assert.ok(await waitForEnd(left.identity, 2_000));
      assert.ok(isAlive(stranger.identity));
    } finally {
      left.child.kill('SIGKILL');
      stranger.child.kill('SIGKILL');
    }
  });

  it('is nothing when it was cut off or is not there', async () => {
    const record = openRunRecord(join(folder, 'run.json'));
    assert.deepEqual(await record.endLeftovers(), []);
    writeState(join(folder, 'run.json'), { worker: 'half' });
    assert.deepEqual(await record.endLeftovers(), []);
  });
});
