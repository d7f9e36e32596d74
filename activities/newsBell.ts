/** Tells those who wait in this process that a user has news, and that the process is about to end. */
export interface NewsBell {
  /** Null: it may be anybody's. */
  ring(userId: string | null): void;
  /** No more work is to be begun. */
  stop(): void;
  readonly isStopped: boolean;
  /** Aborted when it stops. */
  readonly stopping: AbortSignal;
  /** Calls on news of a user, and when it stops. @returns what ends that */
  listen(userId: string, hear: () => void): () => void;
}

/** Makes the bell of a process. */
export function createNewsBell(): NewsBell {
  const listeners = new Map<string, Set<() => void>>();
  const stopping = new AbortController();
  const ringAll = () => {
    for (const hearers of [...listeners.values()]) for (const hear of [...hearers]) hear();
  };
  return {
    ring(userId) {
      if (userId === null) ringAll();
      else for (const hear of [...(listeners.get(userId) ?? [])]) hear();
    },
    stop() {
      stopping.abort();
      ringAll();
    },
    get isStopped() {
      return stopping.signal.aborted;
    },
    stopping: stopping.signal,
    listen(userId, hear) {
      const hearers = listeners.get(userId) ?? new Set();
      listeners.set(userId, hearers.add(hear));
      return () => {
        hearers.delete(hear);
        if (hearers.size === 0 && listeners.get(userId) === hearers) listeners.delete(userId);
      };
    },
  };
}
