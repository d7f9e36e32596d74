import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildServerArgs } from '../../src/local/temporal.ts';
import { findTemporalExecutable } from '../../src/local/temporalExecutable.ts';
import { answersAt } from '../../src/local/temporalNamespace.ts';
import { createTemporalProbes } from '../../src/local/temporalProbes.ts';
import { findQuietPort } from './quietPort.ts';
import { waitFor } from './stack.ts';

/** A Temporal server of a test's own, to be mistreated. */
export interface TemporalServer {
  address: string;
  /** Ends it like a power cut. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Takes away everything it knows; only while it is down. */
  deleteDatabase(): Promise<void>;
  close(): Promise<void>;
}

export async function startTemporalServer(): Promise<TemporalServer> {
  const executable = await findTemporalExecutable(
    createTemporalProbes({ env: process.env, say: () => undefined }),
  );
  const dataDir = await mkdtemp(join(tmpdir(), 'videoflow-temporal-'));
  const [port, uiPort] = [await findQuietPort(), await findQuietPort()];
  const address = `127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    child = spawn(executable, buildServerArgs({ port, uiPort, dataDir }), { stdio: 'ignore' });
    await waitFor(() => answersAt(address), { what: 'a Temporal server', timeoutMs: 30_000 });
  };
  await start();
  return {
    address,
    kill,
    start,
    deleteDatabase: async () => {
      const files = (await readdir(dataDir)).filter((name) => name.startsWith('temporal.db'));
      await Promise.all(files.map((name) => rm(join(dataDir, name))));
    },
    close: async () => {
      await kill();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
