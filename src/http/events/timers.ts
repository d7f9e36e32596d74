import type { Log } from '../../log.ts';

/** Timers that run while there is somebody to tell. */
export interface Timers {
  start(): void;
  stop(): void;
}

export function createTimers(works: readonly (readonly [everyMs: number, work: () => unknown])[]): Timers {
  let running: NodeJS.Timeout[] = [];
  return {
    start: () => {
      if (running.length === 0) running = works.map(([everyMs, work]) => setInterval(work, everyMs).unref());
    },
    stop: () => {
      for (const timer of running) clearInterval(timer);
      running = [];
    },
  };
}

/** Makes work that is not begun again while it is at it, and whose trouble is told once until it is over. */
export function calmly(log: Log, work: () => Promise<void>): () => Promise<void> {
  let isAtIt = false;
  let isInTrouble = false;
  return async () => {
    if (isAtIt) return;
    isAtIt = true;
    try {
      await work();
      isInTrouble = false;
    } catch (error) {
      if (!isInTrouble) log.warn({ err: error }, 'events cannot be read right now');
      isInTrouble = true;
    } finally {
      isAtIt = false;
    }
  };
}
