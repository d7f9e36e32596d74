import { Context } from '@temporalio/activity';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';

/** Shorter than anybody minds who waits for another of the reconciler's deeds. */
const MOST_MS = 10_000;

/** Has searches find what they do not yet, for some seconds. @returns whether there may be more to do */
export async function indexUnindexed({ db, log }: Pick<ActivityDeps, 'db' | 'log'>): Promise<boolean> {
  const endsAt = Date.now() + MOST_MS;
  for await (const ids of pages(
    (after) => db.unindexedVideos.list(after),
    (id: string) => id,
  ))
    for (const videoId of ids) {
      if (Date.now() >= endsAt) return true;
      await db.unindexedVideos
        .index(videoId)
        .catch((error: Error) => log.warn({ err: error, videoId }, 'a video could not be indexed'));
      Context.current().heartbeat();
    }
  return false;
}
