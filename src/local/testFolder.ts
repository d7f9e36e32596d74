import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { identifyProcess, isAlive } from './processIdentity.ts';
import { openRunRecord } from './runRecord.ts';
import { readState, writeState } from './stateFiles.ts';
import { endStrays } from './strays.ts';

const PREFIX = 'videoflow-test-';
const ownerShape = z.object({ pid: z.number(), startedAt: z.string() });

/** Makes the throw-away folder of a test run and removes those of runs that were killed, with what they left running. */
export async function makeTestFolder(base = tmpdir()): Promise<string> {
  await removeAbandoned(base);
  const folder = mkdtempSync(join(base, PREFIX));
  // The user that Postgres runs as must be able to pass through it.
  chmodSync(folder, 0o711);
  writeState(join(folder, 'owner.json'), identifyProcess(process.pid));
  return folder;
}

async function removeAbandoned(base: string): Promise<void> {
  for (const name of readdirSync(base).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(base, name);
    const owner = ownerShape.safeParse(readState(join(folder, 'owner.json'))).data;
    // Without an owner it is being made right now, or is somebody else's.
    if (!owner || isAlive(owner)) continue;
    await openRunRecord(join(folder, 'run.json')).endLeftovers();
    await endStrays(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}
