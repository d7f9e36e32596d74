import { z } from 'zod';
import { endProcess, identifyProcess, isAlive, type ProcessIdentity, sendSignal } from './processIdentity.ts';
import { readState, writeState } from './stateFiles.ts';

const identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() });
const recordShape = z.record(z.string(), identity);

/** Who runs for this data folder, so that the next start can end what a SIGKILL left behind. */
export interface RunRecord {
  /** Notes a child that was just started. */
  note(name: string, pid: number): void;
  /** Forgets a child that ended. */
  forget(name: string): void;
  /** Ends what a former run left behind; gives the names of those that were still alive. */
  endLeftovers(): Promise<string[]>;
}

const END_SIGNALS: Record<string, { signal: NodeJS.Signals; waitMs: number }[]> = {
  // Postgres: fast shutdown, then immediate shutdown; SIGKILL would leave its children and shared memory behind.
  postgres: [
    { signal: 'SIGINT', waitMs: 15_000 },
    { signal: 'SIGQUIT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ],
};
// Nobody waits for the work of the others any more, and all of them survive a SIGKILL by design.
const KILL = [{ signal: 'SIGKILL' as const, waitMs: 5_000 }];

/** Opens the record of child processes kept in `file`. */
export function openRunRecord(file: string): RunRecord {
  const children = new Map<string, ProcessIdentity>();
  const save = () => writeState(file, Object.fromEntries(children));
  return {
    note(name, pid) {
      const child = identifyProcess(pid);
      if (!child) return;
      children.set(name, child);
      save();
    },
    forget(name) {
      if (children.delete(name)) save();
    },
    async endLeftovers() {
      const parsed = recordShape.safeParse(readState(file));
      const alive = Object.entries(parsed.data ?? {}).filter(([, child]) => isAlive(child));
      await Promise.all(
        alive.map(async ([name, child]) => {
          await endProcess(child, END_SIGNALS[name] ?? KILL);
          // Every child leads a process group of its own: its own children go with it.
          sendSignal(-child.pid, 'SIGKILL');
        }),
      );
      return alive.map(([name]) => name);
    },
  };
}
