/** Lets work be done in turn. @throws what the work throws; the signal's reason, while it waits */
export type InTurn = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

/** Lets so many pieces of work go on at a time, whoever they are of; the others wait in the order in which they came. */
export function createTurns(most: () => number): InTurn {
  let busy = 0;
  const waiting: (() => void)[] = [];
  const wait = async (signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      const at = waiting.indexOf(resolve);
      if (at < 0) return;
      waiting.splice(at, 1);
      reject(signal.reason);
    };
    waiting.push(resolve);
    signal.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', leave));
  };
  return async (work, signal) => {
    signal.throwIfAborted();
    if (busy < most()) busy += 1;
    else await wait(signal);
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}
