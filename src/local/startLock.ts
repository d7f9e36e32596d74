import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { identifyProcess, isAlive, type ProcessIdentity, waitForEnd } from './processIdentity.ts';
import { Refusal } from './refusal.ts';
import { writeState } from './stateFiles.ts';

const lockShape = z.object({ pid: z.number().int(), startedAt: z.string(), isStopping: z.boolean() });
type Lock = z.infer<typeof lockShape>;

/** A stack whose npm was killed notices within a second and begins to stop; only then is it "stopping". */
const NOTICE_MS = 2_500;
/** Between two looks at a lock that another start is breaking. */
const LOOK_MS = 10;

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
    if (holder && holder !== 'cut off' && isAlive(holder)) await waitForHolder(file, holder, say);
    else if (holder) breakLock(file, holder, own);
    await delay(LOOK_MS);
  }
  return {
    markStopping: () => writeState(file, { ...own, isStopping: true }),
    release: () => {
      if (isSame(readLock(file), own)) rmSync(file, { force: true });
    },
  };
}

function identifySelf() {
  const self = identifyProcess(process.pid);
  if (!self) throw new Refusal('The start time of this process cannot be read (is /proc mounted, ps there?)');
  return self;
}

/** A lock, one whose writing a crash of the machine cut off, or none. */
type Found = Lock | 'cut off' | undefined;

export function readLock(file: string): Found {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return lockShape.parse(JSON.parse(text));
  } catch {
    return 'cut off';
  }
}

const nameOf = (holder: ProcessIdentity | 'cut off'): string =>
  holder === 'cut off' ? 'cut-off' : `${holder.pid}-${holder.startedAt.replaceAll(/\W/g, '-')}`;

const isSame = (found: Found, holder: ProcessIdentity | 'cut off'): boolean =>
  found !== undefined && nameOf(found) === nameOf(holder);

/** The file appears with its content or not at all: `link` fails where a lock stands. */
export function tryTake(file: string, own: Lock): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes the lock of a dead holder. Only who holds the lock on *its* removal may do so: the dead never comes back, so
 * what he sees there is what he removes, however many start at once. Who finds that one taken looks again later.
 */
export function breakLock(file: string, dead: Lock | 'cut off', own: Lock): void {
  const claim = `${file}.broken-${nameOf(dead)}`;
  if (!tryTake(claim, own)) {
    const breaker = readLock(claim);
    if (breaker === 'cut off' || (breaker && !isAlive(breaker))) breakLock(claim, breaker, own);
    return;
  }
  if (isSame(readLock(file), dead)) rmSync(file, { force: true });
  rmSync(claim, { force: true });
}

async function waitForHolder(file: string, holder: Lock, say: (line: string) => void): Promise<void> {
  const deadline = Date.now() + NOTICE_MS;
  const look = () => {
    const found = readLock(file);
    return found === 'cut off' ? undefined : found;
  };
  let lock = look();
  while (lock && !lock.isStopping && isAlive(holder) && Date.now() < deadline) {
    await delay(100);
    lock = look();
  }
  if (!lock || !isAlive(holder)) return;
  if (lock.isStopping) {
    say(`The former run (process ${holder.pid}) is still stopping, waiting for its end …`);
    // Each of its waits has an end of its own; together they depend on its configuration, not on ours.
    await waitForEnd(holder, Number.POSITIVE_INFINITY);
    return;
  }
  throw new Refusal(
    `videoflow already runs on this data folder, as process ${holder.pid}. ` +
      `Stop it with Ctrl-C in its terminal or with: kill ${holder.pid}`,
  );
}
