import type { Log } from '../log.ts';

/** What was taken back must reach running answers within 5 s, whichever process was told of it. */
const CHECK_EVERY_MS = 2000;
/**
 * So long running answers go on without a word from the database. A restart of it must not stop everybody, and nobody can
 * take back anything meanwhile; but a process that alone is cut off from it would never hear of it.
 */
const UNCHECKED_MS = 30_000;

/** Why an answer is cut: it is good no more, or nobody could say for long whether it is. */
export type CutReason = 'over' | 'unchecked';

/** Running answers that may go on only as long as something is good: a link, a token. */
export interface LiveChecks {
  /** Calls `cut` once, as soon as the thing is good no more. @returns what lets go of it */
  watch(id: string, cut: (why: CutReason) => void): () => void;
}

export interface LiveCheckOptions {
  /** Which of those given are still good, in one question. */
  findLive: (ids: string[]) => Promise<ReadonlySet<string>>;
  log: Log;
  checkEveryMs?: number;
  uncheckedMs?: number;
}

interface Watched {
  id: string;
  cut: (why: CutReason) => void;
  /** When it was last known to be good. */
  checkedAt: number;
}

const SAID: Record<CutReason, string> = {
  over: 'running answers were cut',
  unchecked: 'running answers could not be checked',
};

/** Checks the running answers of one process; asks nothing while there are none. */
export const createLiveChecks = (options: LiveCheckOptions): LiveChecks => new Checks(options);

class Checks implements LiveChecks {
  readonly #options: LiveCheckOptions;
  readonly #open = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(options: LiveCheckOptions) {
    this.#options = options;
  }

  watch(id: string, cut: (why: CutReason) => void): () => void {
    const watched = { id, cut, checkedAt: performance.now() };
    this.#open.add(watched);
    this.#timer ??= setInterval(
      () => void this.#check(),
      this.#options.checkEveryMs ?? CHECK_EVERY_MS,
    ).unref();
    return () => this.#release(watched);
  }

  async #check(): Promise<void> {
    const { findLive, log, uncheckedMs = UNCHECKED_MS } = this.#options;
    this.#cutAll('unchecked', ({ checkedAt }) => performance.now() - checkedAt > uncheckedMs);
    if (this.#isAsking || this.#open.size === 0) return;
    this.#isAsking = true;
    const askedAt = performance.now();
    const asked = new Set(this.#open);
    try {
      const live = await findLive([...new Set([...asked].map(({ id }) => id))]);
      for (const watched of asked) if (live.has(watched.id)) watched.checkedAt = askedAt;
      this.#cutAll('over', (watched) => asked.has(watched) && !live.has(watched.id));
    } catch (error) {
      log.warn({ err: error, open: this.#open.size }, 'running answers cannot be checked right now');
    } finally {
      this.#isAsking = false;
    }
  }

  #cutAll(why: CutReason, isSo: (watched: Watched) => boolean): void {
    const ended = [...this.#open].filter(isSo);
    for (const watched of ended) {
      this.#release(watched);
      watched.cut(why);
    }
    if (ended.length > 0) this.#options.log.info({ cut: ended.length }, SAID[why]);
  }

  #release(watched: Watched): void {
    this.#open.delete(watched);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
