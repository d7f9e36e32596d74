import type { Log } from '../log.ts';

/** What was taken back must reach running answers within 5 s, whichever process was told of it. */
const CHECK_EVERY_MS = 2000;
/**
 * So long running answers go on without a word from the database. A restart of it must not stop everybody, and nobody can
 * take back anything meanwhile; but a process that alone is cut off from it would never hear of it.
 */
const UNCHECKED_MS = 30_000;

/** Running answers that may go on only as long as something is good: a link, a token. */
export interface LiveChecks {
  /** Calls `cut` once, as soon as the thing is good no more. @returns what lets go of it */
  watch(id: string, cut: () => void): () => void;
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
  cut: () => void;
  /** When it was last known to be good. */
  checkedAt: number;
}

/** Checks the running answers of one process; asks nothing while there are none. */
export function createLiveChecks(options: LiveCheckOptions): LiveChecks {
  const { findLive, log, checkEveryMs = CHECK_EVERY_MS, uncheckedMs = UNCHECKED_MS } = options;
  const open = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  let isAsking = false;

  async function check(): Promise<void> {
    cutAll(
      ({ checkedAt }) => performance.now() - checkedAt > uncheckedMs,
      'running answers could not be checked',
    );
    if (isAsking || open.size === 0) return;
    isAsking = true;
    const askedAt = performance.now();
    const asked = new Set(open);
    try {
      const live = await findLive([...new Set([...asked].map(({ id }) => id))]);
      for (const watched of asked) if (live.has(watched.id)) watched.checkedAt = askedAt;
      cutAll((watched) => asked.has(watched) && !live.has(watched.id), 'running answers were cut');
    } catch (error) {
      log.warn({ err: error, open: open.size }, 'running answers cannot be checked right now');
    } finally {
      isAsking = false;
    }
  }

  function cutAll(isOver: (watched: Watched) => boolean, message: string): void {
    const ended = [...open].filter(isOver);
    for (const watched of ended) {
      release(watched);
      watched.cut();
    }
    if (ended.length > 0) log.info({ cut: ended.length }, message);
  }

  function release(watched: Watched): void {
    open.delete(watched);
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    watch: (id, cut) => {
      const watched = { id, cut, checkedAt: performance.now() };
      open.add(watched);
      timer ??= setInterval(() => void check(), checkEveryMs).unref();
      return () => release(watched);
    },
  };
}
