/** Runs work of somebody when it is its turn. */
export type Turns = <Result>(who: string, work: () => Promise<Result>) => Promise<Result>;

/**
 * Lets so many pieces of work run at a time. One of each who waits in turn, and of one's own in the order in which they
 * came: whoever has a thousand waiting holds up nobody else.
 */
export function createTurns(count: number): Turns {
  /** Those who wait, in the order of their turns. */
  const waiting = new Map<string, (() => void)[]>();
  let free = count;

  const wait = (who: string): Promise<void> =>
    new Promise((resolve) => {
      const own = waiting.get(who);
      if (own) own.push(resolve);
      else waiting.set(who, [resolve]);
    });

  function passOn(): void {
    const [first] = waiting;
    if (!first) {
      free += 1;
      return;
    }
    const [who, own] = first;
    const begin = own.shift();
    // To the end of the row, behind all others.
    waiting.delete(who);
    if (own.length > 0) waiting.set(who, own);
    begin?.();
  }

  return async (who, work) => {
    if (free > 0) free -= 1;
    else await wait(who);
    try {
      return await work();
    } finally {
      passOn();
    }
  };
}
