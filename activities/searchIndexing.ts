import { Context } from '@temporalio/activity';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';

/** Shorter than anybody minds who waits for another of the reconciler's deeds. */
const MOST_MS = 10_000;
/** Looking through all videos takes a tenth of a second for 100,000, and what it finds is rare. */
const EVERY_MS = 10 * 60_000;

/**
 * Makes what has searches find the videos that they do not find yet: for some seconds at a time, and once nothing is
 * left to do, not again for ten minutes.
 *
 * @returns a function that tells whether there may be more to do
 */
export function createIndexing({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  let isDueAt = 0;
  return async function indexUnindexed(): Promise<boolean> {
    if (Date.now() < isDueAt) return false;
    const endsAt = Date.now() + MOST_MS;
    for await (const ids of pages((after) => db.unindexedVideos.list(after), idOf))
      for (const videoId of ids) {
        if (Date.now() >= endsAt) return true;
        await db.unindexedVideos
          .index(videoId)
          .catch((error: Error) => log.warn({ err: error, videoId }, 'a video could not be indexed'));
        Context.current().heartbeat();
      }
    isDueAt = Date.now() + EVERY_MS;
    return false;
  };
}

const idOf = (id: string): string => id;
