import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { sendSignal } from './processIdentity.ts';
import type { RunRecord } from './runRecord.ts';

/** One program of the stack, as the supervisor sees it. */
export interface PartSpec {
  name: string;
  /** Starts the program; called again after each death. */
  launch(): Promise<ChildProcess>;
  /** Ends when the program serves; the signal fires when it died before. */
  waitUntilReady?(child: ChildProcess, died: AbortSignal): Promise<void>;
  /** One after the other, each with its time to work, until the program is gone. */
  stopSignals: { signal: NodeJS.Signals; waitMs: number }[];
}

export interface Part {
  readonly name: string;
  /** How often it died so far. */
  readonly deaths: number;
  /**
   * Starts the program and waits until it is ready, then keeps it alive.
   *
   * @throws when it ends before it is ready; it is not tried again then
   */
  start(): Promise<void>;
  /** Stops the program in its own order and leaves it stopped. */
  stop(): Promise<void>;
  /** Ends the program and its children at once. */
  kill(): void;
}

export interface BackOff {
  firstMs: number;
  maxMs: number;
  /** A program that lived this long after it was ready is healthy again. */
  healthyMs: number;
}

export const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, maxMs: 30_000, healthyMs: 60_000 };

/** How long to wait before the start that follows `failures` deaths in a row, in milliseconds. */
export const backOffMs = (failures: number, { firstMs, maxMs }: BackOff): number =>
  Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));

interface PartDependencies {
  record: Pick<RunRecord, 'note' | 'forget'>;
  say(line: string): void;
  backOff?: BackOff;
}

interface Run {
  child: ChildProcess;
  ended: Promise<void>;
  died: AbortController;
}

const describeEnd = (child: ChildProcess | undefined): string => {
  if (!child) return 'did not start';
  return child.signalCode ? `was ended by ${child.signalCode}` : `ended with code ${child.exitCode}`;
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Makes a part that starts its program again, with exponential back-off, whenever it dies. */
export function createPart(
  spec: PartSpec,
  { record, say, backOff = DEFAULT_BACK_OFF }: PartDependencies,
): Part {
  let run: Run | undefined;
  let spawning: Promise<ChildProcess> | undefined;
  let deaths = 0;
  const stopping = new AbortController();

  async function launch(): Promise<Run> {
    spawning = spec.launch();
    const child = await spawning;
    const pid = child.pid ?? 0;
    record.note(spec.name, pid);
    const died = new AbortController();
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        record.forget(spec.name);
        // The group outlives its leader while it has members: an encoder of a killed worker, say.
        if (pid > 0) sendSignal(-pid, 'SIGKILL');
        died.abort(new Error(`${spec.name} ${describeEnd(child)}`));
        resolve();
      });
    });
    run = { child, ended, died };
    // Stopped while it was being started: nobody else would end it.
    if (stopping.signal.aborted) child.kill('SIGKILL');
    await spec.waitUntilReady?.(child, died.signal);
    died.signal.throwIfAborted();
    return run;
  }

  async function keepAlive(first: Run): Promise<void> {
    let current: Run | undefined = first;
    let failures = 0;
    while (!stopping.signal.aborted) {
      const readyAt = Date.now();
      await current?.ended;
      if (stopping.signal.aborted) return;
      failures = current && Date.now() - readyAt >= backOff.healthyMs ? 1 : failures + 1;
      deaths += 1;
      const waitMs = backOffMs(failures, backOff);
      say(`${spec.name} ${describeEnd(current?.child)}: starting it again in ${waitMs / 1000} s`);
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      current = stopping.signal.aborted ? undefined : await relaunch();
    }
  }

  async function relaunch(): Promise<Run | undefined> {
    try {
      const next = await launch();
      say(`${spec.name} runs again`);
      return next;
    } catch (error) {
      if (!stopping.signal.aborted) say(`${spec.name}: ${reasonOf(error)}`);
      // Alive but never ready: out of the way before the next try.
      run?.child.kill('SIGKILL');
      await run?.ended;
      return undefined;
    }
  }

  return {
    name: spec.name,
    get deaths() {
      return deaths;
    },
    async start() {
      const first = await launch();
      void keepAlive(first);
    },
    async stop() {
      stopping.abort();
      // A program that is being started right now is known, and can be ended, only then.
      await spawning?.catch(() => undefined);
      for (const { signal, waitMs } of spec.stopSignals) {
        if (!run || run.died.signal.aborted) return;
        run.child.kill(signal);
        await Promise.race([run.ended, delay(waitMs, undefined, { ref: false })]);
      }
    },
    kill() {
      stopping.abort();
      if (run?.child.pid && !run.died.signal.aborted) sendSignal(-run.child.pid, 'SIGKILL');
    },
  };
}
