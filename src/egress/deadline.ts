/**
 * Calls when a time is over, and not before what has come by then was read: who was frozen finds his timers run out
 * first, and only then what came meanwhile.
 *
 * @returns what calls it off
 */
export function setDeadline(afterMs: number, end: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    turn = setImmediate(end);
  }, afterMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}

/**
 * Waits for some work, but never longer than until the signal is aborted: for work that ends with it as well, should it
 * not.
 *
 * @throws what the work throws; what `signal` was aborted with
 */
export async function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
