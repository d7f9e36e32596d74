import { MAX_AT_ONCE } from '../src/domain/webhook.ts';
import type { NewsBell } from './newsBell.ts';
import type { PreparedAttempt, WebhookDesk } from './webhookDesk.ts';

/** How long one is at a webhook. */
export interface ShiftTimes {
  /** After the last news; asked anew each time, since it depends on how many wait for a place. */
  lingerMs(): number;
  /** What falls due so soon is waited for. */
  stayMs: number;
  maxMs: number;
}

export interface Shift {
  webhookId: string;
  userId: string;
  desk: Pick<WebhookDesk, 'look'>;
  bell: NewsBell;
  times: ShiftTimes;
  /** Makes one attempt and writes down what came of it. @returns when its delivery is due again, if ever */
  deliver(prepared: PreparedAttempt): Promise<Date | null>;
  signal: AbortSignal;
}

/** A row that somebody holds is asked for again after this time; and so is what is due by another clock than ours. */
const AGAIN_MS = 100;

/**
 * Delivers what is new or due for one webhook, a few at a time, and stays while there is news. Ends when it has been
 * quiet for a while, with nothing on its way.
 *
 * @returns false when nothing may be delivered there any more
 */
export async function workShift({
  webhookId,
  userId,
  desk,
  bell,
  times,
  deliver,
  signal,
}: Shift): Promise<boolean> {
  const startedAt = Date.now();
  const waker = createWaker();
  const running = new Set<Promise<void>>();
  let trouble: { error: unknown } | null = null;
  let hasNews = true;
  let quietSince = startedAt;
  let dueAt = Number.POSITIVE_INFINITY;
  const stopListening = bell.listen(userId, () => {
    hasNews = true;
    waker.wake();
  });
  signal.addEventListener('abort', waker.wake);

  const begin = (prepared: PreparedAttempt): void => {
    const work = deliver(prepared)
      .then((again) => {
        dueAt = Math.min(dueAt, again?.getTime() ?? dueAt);
      })
      .catch((error: unknown) => {
        trouble ??= { error };
      })
      .finally(() => {
        running.delete(work);
        waker.wake();
      });
    running.add(work);
  };
  const look = async (slots: number): Promise<boolean> => {
    hasNews = false;
    const sight = await desk.look({ webhookId, slots });
    if (sight.state === 'gone' || sight.state === 'disabled') return false;
    const soonest = Date.now() + AGAIN_MS;
    dueAt = Math.max(sight.nextDueAt?.getTime() ?? Number.POSITIVE_INFINITY, soonest);
    if (sight.state === 'busy') dueAt = soonest;
    hasNews ||= sight.hasMore || sight.due.length === slots;
    if (hasNews || sight.due.length > 0) quietSince = Date.now();
    sight.due.forEach(begin);
    return true;
  };
  const isOver = () =>
    trouble !== null || bell.isStopped || signal.aborted || Date.now() - startedAt > times.maxMs;

  try {
    while (!isOver()) {
      const slots = MAX_AT_ONCE - running.size;
      if (slots > 0 && (hasNews || Date.now() >= dueAt)) {
        if (!(await look(slots))) return false;
        continue;
      }
      const quietEnd = Math.max(quietSince + times.lingerMs(), dueAt - Date.now() < times.stayMs ? dueAt : 0);
      if (running.size === 0 && Date.now() >= quietEnd) break;
      // Without a place nothing can be begun before something ends.
      const wakeAt = slots === 0 ? quietEnd : Math.min(dueAt, running.size === 0 ? quietEnd : dueAt);
      await waker.sleep(Math.max(wakeAt - Date.now(), 1));
    }
  } finally {
    stopListening();
    signal.removeEventListener('abort', waker.wake);
    await Promise.all(running);
  }
  if (trouble) throw (trouble as { error: unknown }).error;
  return true;
}

const LONGEST_SLEEP_MS = 60_000;

/** Sleeps until it is woken; a call while nobody sleeps ends the next sleep at once. */
function createWaker() {
  let isWoken = false;
  let end: (() => void) | null = null;
  return {
    wake: (): void => {
      isWoken = true;
      end?.();
    },
    sleep: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => end?.(), Math.min(ms, LONGEST_SLEEP_MS));
        end = () => {
          clearTimeout(timer);
          end = null;
          isWoken = false;
          resolve();
        };
        if (isWoken) end();
      }),
  };
}
