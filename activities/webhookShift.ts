import { MAX_AT_ONCE } from '../src/domain/webhook.ts';
import type { NewsBell } from './newsBell.ts';
import type { PreparedAttempt, WebhookDesk } from './webhookDesk.ts';

/** How long one is at a webhook. */
export interface ShiftTimes {
  /** Whether others wait for a place: then nobody lingers, nor stays where nothing is taken. */
  isCrowded(): boolean;
  /** After the last news. */
  lingerMs: number;
  /** What falls due so soon is waited for. */
  stayMs: number;
  maxMs: number;
}

export interface Shift {
  webhookId: string;
  userId: string;
  /** By whom it is held. */
  holder: string;
  desk: Pick<WebhookDesk, 'look'>;
  bell: NewsBell;
  times: ShiftTimes;
  /** Makes one attempt and writes down what came of it. */
  deliver(prepared: PreparedAttempt): Promise<Delivered>;
  signal: AbortSignal;
}

export interface Delivered {
  isTaken: boolean;
  /** When it is due again, if ever. */
  nextAttemptAt: Date | null;
}

/** `over`: nothing may be delivered there any more. `taken`: somebody else is at it. */
export type ShiftEnd = 'quiet' | 'taken' | 'over';

/** A row that somebody holds is asked for again after this time; and so is what is due by another clock than ours. */
const AGAIN_MS = 100;
/** So often it is looked for news in any case, which also says that one is still there. */
const LOOK_MS = 5000;

/**
 * Delivers what is new or due for one webhook, a few at a time, and stays while there is news. Ends when it has been
 * quiet for a while, with nothing on its way.
 *
 * @throws what looking or writing down came to
 */
export async function workShift(shift: Shift): Promise<ShiftEnd> {
  const { userId, bell, signal } = shift;
  const work = new ShiftWork(shift);
  const stopListening = bell.listen(userId, () => work.hearNews());
  const wake = () => work.waker.wake();
  signal.addEventListener('abort', wake);
  try {
    return await work.untilQuiet();
  } finally {
    stopListening();
    signal.removeEventListener('abort', wake);
    await work.untilNothingRuns();
  }
}

class ShiftWork {
  readonly waker = createWaker();
  readonly #shift: Shift;
  readonly #startedAt = Date.now();
  readonly #running = new Set<Promise<void>>();
  /** Since the last attempt that succeeded. */
  #failures = 0;
  #trouble: unknown[] = [];
  #hasNews = true;
  /** More may be due than there was room for. */
  #hasDue = true;
  #lookedAt = 0;
  #quietSince = this.#startedAt;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(shift: Shift) {
    this.#shift = shift;
  }

  hearNews(): void {
    this.#hasNews = true;
    this.waker.wake();
  }

  async untilQuiet(): Promise<ShiftEnd> {
    while (!this.#mustEnd()) {
      const slots = MAX_AT_ONCE - this.#running.size;
      if (this.#wantsLook(slots)) {
        const end = await this.#look(slots);
        if (end) return end;
      } else {
        const now = Date.now();
        if (this.#running.size === 0 && now >= this.#quietEnd()) break;
        await this.waker.sleep(this.#wakeAt(slots) - now);
      }
    }
    if (this.#trouble.length > 0) throw this.#trouble[0];
    return 'quiet';
  }

  async untilNothingRuns(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#trouble.length > 0) throw this.#trouble[0];
  }

  #mustEnd(): boolean {
    const { bell, signal, times } = this.#shift;
    const isLate = Date.now() - this.#startedAt > times.maxMs;
    // Whoever does not answer would keep the place for as long as much is due to him.
    const isInVain = this.#failures >= MAX_AT_ONCE && times.isCrowded();
    return isLate || isInVain || bell.isStopped || signal.aborted || this.#trouble.length > 0;
  }

  #wantsLook(slots: number): boolean {
    const now = Date.now();
    if (this.#hasNews || now - this.#lookedAt >= LOOK_MS) return true;
    return slots > 0 && (this.#hasDue || now >= this.#dueAt);
  }

  async #look(slots: number): Promise<ShiftEnd | null> {
    const { desk, webhookId, holder } = this.#shift;
    this.#hasNews = false;
    this.#lookedAt = Date.now();
    const sight = await desk.look({ webhookId, holder, slots });
    if (sight.state === 'gone' || sight.state === 'disabled') return 'over';
    if (sight.state === 'taken') return 'taken';
    const soonest = Date.now() + AGAIN_MS;
    const dueAt = Math.max(Date.now() + (sight.nextDueInMs ?? Number.POSITIVE_INFINITY), soonest);
    this.#dueAt = sight.state === 'busy' ? soonest : dueAt;
    this.#hasDue = sight.found === slots;
    this.#hasNews ||= sight.hasMore;
    if (this.#hasNews || sight.due.length > 0) this.#quietSince = Date.now();
    for (const prepared of sight.due) this.#begin(prepared);
    return null;
  }

  #begin(prepared: PreparedAttempt): void {
    const work = this.#shift
      .deliver(prepared)
      .then(({ isTaken, nextAttemptAt }) => {
        this.#failures = isTaken ? 0 : this.#failures + 1;
        this.#dueAt = Math.min(this.#dueAt, nextAttemptAt?.getTime() ?? this.#dueAt);
      })
      .catch((error: unknown) => void this.#trouble.push(error))
      .finally(() => {
        this.#running.delete(work);
        this.waker.wake();
      });
    this.#running.add(work);
  }

  /** When it has been quiet for long enough, and nothing falls due that is worth waiting for. */
  #quietEnd(): number {
    const { isCrowded, lingerMs, stayMs } = this.#shift.times;
    const isDueSoon = this.#dueAt - Date.now() < stayMs;
    return Math.max(this.#quietSince + (isCrowded() ? 0 : lingerMs), isDueSoon ? this.#dueAt : 0);
  }

  #wakeAt(slots: number): number {
    const lookAt = this.#lookedAt + LOOK_MS;
    // Without room nothing can be begun before something ends, which wakes.
    const dueAt = slots === 0 ? lookAt : Math.min(this.#dueAt, lookAt);
    return this.#running.size === 0 ? Math.min(dueAt, this.#quietEnd()) : dueAt;
  }
}

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
        const timer = setTimeout(() => end?.(), Math.max(ms, 1));
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
