import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyProcess } from '../../src/local/processIdentity.ts';
import { takeStartLock } from '../../src/local/startLock.ts';
import { writeState } from '../../src/local/stateFiles.ts';

describe('the lock of a data folder', () => {
  let folder: string;
  let file: string;
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
    file = join(folder, 'start.lock');
    said.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is taken once and can be taken again after its release', async () => {
    const lock = await takeStartLock(file, say);
    await assert.rejects(takeStartLock(file, say), /already runs.*kill \d+/);
    lock.release();
    assert.equal(existsSync(file), false);
    (await takeStartLock(file, say)).release();
  });

  it('is taken over from a dead process, even one whose number lives on', async () => {
    writeState(file, { pid: process.pid, startedAt: 'earlier', isStopping: false });
    (await takeStartLock(file, say)).release();
  });

  it('is taken over when it was cut off', async () => {
    writeFileSync(file, '{"pid": 1');
    (await takeStartLock(file, say)).release();
  });

  it('waits for a holder that is stopping', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    writeState(file, { ...identifyProcess(child.pid ?? 0), isStopping: true });
    const taking = takeStartLock(file, (line) => {
      say(line);
      child.kill('SIGKILL');
    });
    (await taking).release();
    assert.match(said.join('\n'), /still stopping/);
  });
});
