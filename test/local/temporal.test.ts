import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { prepareTemporal } from '../../src/local/temporal.ts';

describe("the stack's Temporal server", () => {
  let folder: string;
  let child: ChildProcess | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'temporal-'));
    mkdirSync(join(folder, 'logs'));
  });
  after(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (): Promise<string> => {
    const { address, part } = await prepareTemporal({
      dataDir: folder,
      logFile: join(folder, 'logs', 'temporal.log'),
      env: process.env,
      namespace: 'default',
      retentionDays: 1,
      pinnedPort: undefined,
      pinnedUiPort: undefined,
      isThrowAway: true,
      say: () => undefined,
      show: () => undefined,
    });
    child = await part.launch();
    await part.waitUntilReady?.(child, new AbortController().signal);
    return address;
  };

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  const withClient = async <T>(address: string, work: (client: Client) => Promise<T>): Promise<T> => {
    const connection = await Connection.connect({ address });
    return work(new Client({ connection })).finally(() => connection.close());
  };

  it('keeps what it acknowledged through SIGKILL, and its files from everybody else', async function () {
    this.timeout(60_000);
    const workflowId = 'kept';
    const order = { workflowId, taskQueue: 'none' };
    await withClient(await start(), (client) => client.workflow.start('anything', order));
    await kill();
    const address = await start();
    const found = await withClient(address, (client) => client.workflow.getHandle(workflowId).describe());
    assert.equal(found.status.name, 'RUNNING');
    const files = readdirSync(folder).filter((name) => name.startsWith('temporal.db'));
    assert.ok(files.length > 1, 'with its write-ahead log beside it');
    for (const name of files) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  });
});
