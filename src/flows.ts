/** Stand-in types first; the client follows in the next commit. */
import type { Queue } from './config.ts';

export interface RunOfVideo {
  videoId: string;
  userId: string;
  run: number;
}

export interface EngineHealth {
  reachable: boolean;
  /** Pollers seen lately on each queue; 0 means that nobody works there. */
  pollers: Record<Queue, number>;
}

/**
 * The one way to the engine. Row first, start second: callers have committed before they call. None of
 * the commands throws when the engine is away; the reconciler repeats what did not get through.
 */
export interface Flows {
  startProcessing(run: RunOfVideo): Promise<void>;
  cancelProcessing(videoId: string, runs: number[]): Promise<void>;
  startRemoval(videoId: string, userId: string): Promise<void>;
  health(): Promise<EngineHealth>;
  close(): Promise<void>;
}
