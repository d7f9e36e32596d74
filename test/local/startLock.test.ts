import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { identifyProcess } from '../../src/local/processIdentity.ts';
import { breakLock, takeStartLock } from '../../src/local/startLock.ts';
import { writeState } from '../../src/local/stateFiles.ts';

const breaker = fileURLToPath(new URL('../support/breakLocks.ts', import.meta.url));

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

  it('stays when it is not, or no longer, the one found dead', () => {
    const own = {
      pid: process.pid,
      startedAt: identifyProcess(process.pid)?.startedAt ?? '',
      isStopping: false,
    };
    const dead = { pid: process.pid, startedAt: 'earlier', isStopping: false };
    writeState(file, own);
    const before = readFileSync(file, 'utf8');
    for (const found of [dead, 'cut off'] as const) breakLock(file, found, own);
    assert.equal(readFileSync(file, 'utf8'), before);
    assert.deepEqual(readdirSync(folder), ['start.lock']);
  });

  it('is left to the one start that removes it, unless that one died as well', () => {
    const own = {
      pid: process.pid,
      startedAt: identifyProcess(process.pid)?.startedAt ?? '',
      isStopping: false,
    };
    const dead = { pid: process.pid, startedAt: 'earlier', isStopping: false };
    const claim = `${file}.broken-${process.pid}-earlier`;
    writeState(file, dead);
    writeState(claim, own);
    breakLock(file, dead, own);
    assert.equal(existsSync(file), true);
    writeState(claim, { ...dead, startedAt: 'a little later' });
    breakLock(file, dead, own);
    breakLock(file, dead, own);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is held by one alone, however many find a dead one at once', async () => {
    const run = () => promisify(execFile)(process.execPath, [breaker, file, '3000']);
    const runs = await Promise.all([run(), run(), run(), run()]);
    assert.ok(runs.filter(({ stdout }) => Number(stdout) > 10).length > 1, JSON.stringify(runs));
  });
});
