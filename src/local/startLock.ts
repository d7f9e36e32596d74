import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { identifyProcess, isAlive, waitForEnd } from './processIdentity.ts';
import { Refusal } from './refusal.ts';
import { readState, writeState } from './stateFiles.ts';

const lockShape = z.object({ pid: z.number().int(), startedAt: z.string(), isStopping: z.boolean() });
type Lock = z.infer<typeof lockShape>;

/** A stack whose npm was killed notices within a second and begins to stop; only then is it "stopping". */
const NOTICE_MS = 2_500;
const STOPPING_WAIT_MS = 120_000;

/** The right to run on one data folder. */
export interface StartLock {
  /** Lets a next start wait for the end of this one instead of refusing. */
  markStopping(): void;
  release(): void;
}

/**
 * Takes the lock of a data folder. The lock of a dead process is taken over; one that is stopping is waited for.
 *
 * @throws Refusal when another start runs on this folder
 */
export async function takeStartLock(file: string, say: (line: string) => void): Promise<StartLock> {
  const own = { ...identifySelf(), isStopping: false };
  while (!tryTake(file, own)) {
    const holder = readLock(file);
    if (!holder) continue;
    if (!isAlive(holder)) breakLock(file, holder);
    else await waitForHolder(file, holder, say);
  }
  return {
    markStopping: () => writeState(file, { ...own, isStopping: true }),
    release: () => {
      if (readLock(file)?.startedAt === own.startedAt) rmSync(file, { force: true });
    },
  };
}

function identifySelf() {
  const self = identifyProcess(process.pid);
  if (!self) throw new Refusal('The start time of this process cannot be read (is /proc mounted, ps there?)');
  return self;
}

const readLock = (file: string): Lock | undefined => lockShape.safeParse(readState(file)).data;

/** The file appears with its content or not at all: `link` fails where a lock stands. */
function tryTake(file: string, own: Lock): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!readLock(file)) rmSync(file, { force: true });
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead holder's lock; when somebody was quicker and his new lock was caught instead, it is put back. */
function breakLock(file: string, dead: Lock): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    const caught = readLock(aside);
    if (caught && caught.startedAt !== dead.startedAt) linkSync(aside, file);
  } catch {
    // Another start took it away first: the next look tells.
  } finally {
    rmSync(aside, { force: true });
  }
}

async function waitForHolder(file: string, holder: Lock, say: (line: string) => void): Promise<void> {
  const deadline = Date.now() + NOTICE_MS;
  let lock = readLock(file);
  while (lock && !lock.isStopping && isAlive(holder) && Date.now() < deadline) {
    await delay(100);
    lock = readLock(file);
  }
  if (!lock || !isAlive(holder)) return;
  if (lock.isStopping) {
    say(`The former run (process ${holder.pid}) is still stopping, waiting for its end …`);
    if (await waitForEnd(holder, STOPPING_WAIT_MS)) return;
  }
  throw new Refusal(
    `videoflow already runs on this data folder, as process ${holder.pid}. ` +
      `Stop it with Ctrl-C in its terminal or with: kill ${holder.pid}`,
  );
}
