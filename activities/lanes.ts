import { RemoteTroubleError, VideoflowError } from '../src/errors.ts';

/**
 * Works on items side by side. When one fails no other is begun, but those at work are waited for.
 *
 * @throws the failure that says most about what can be done
 */
export async function workInLanes<Item>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const failures: unknown[] = [];
  const follow = async () => {
    while (failures.length === 0) {
      const item = waiting.shift();
      if (item === undefined) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, follow));
  if (failures.length > 0) throw weightiest(failures);
}

/** What stops everything comes before what passes, and the longest wait before a shorter one. */
function weightiest(failures: unknown[]): unknown {
  const isFinal = (error: unknown) =>
    error instanceof VideoflowError && ['permanent', 'blocked'].includes(error.retryClass);
  const waitMs = (error: unknown) => (error instanceof RemoteTroubleError ? (error.retryAfterMs ?? 0) : -1);
  return failures.find(isFinal) ?? failures.toSorted((one, other) => waitMs(other) - waitMs(one))[0];
}
