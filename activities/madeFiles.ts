import type { Video } from '../src/db/entities/video.ts';
import { type AttemptTools, runAttempt } from './attempt.ts';
import type { ActivityDeps } from './index.ts';

/** A file that is made since somebody asked for it. */
export interface WantedFile<Made extends { key: string }> {
  videoId: string;
  userId: string;
  /** Whether it is there already. */
  isMade(): Promise<boolean>;
  /** Makes it and puts it into the storage. */
  make(video: Video, work: AttemptTools): Promise<Made>;
  /** Makes it its video's. @returns the objects that nobody needs any more */
  record(made: Made): Promise<{ unneededKeys: string[] }>;
}

export type MadeFileOutcome = 'done' | 'made' | 'gone';

type Beginning = { outcome: 'go'; video: Video } | { outcome: 'made' | 'gone' };

/**
 * Makes one file of a video, unless it is there or its video is not. Whatever makes it in vain, because somebody was
 * faster or the video was deleted meanwhile, leaves nothing behind.
 */
export async function makeFile<Made extends { key: string }>(
  deps: ActivityDeps,
  wanted: WantedFile<Made>,
): Promise<MadeFileOutcome> {
  const begin = async (): Promise<Beginning> => {
    const video = await deps.db.videos.find(wanted.userId, wanted.videoId);
    if (!video) return { outcome: 'gone' };
    return (await wanted.isMade()) ? { outcome: 'made' } : { outcome: 'go', video };
  };
  const ended = await runAttempt<{ video: Video }, Made, 'made' | 'gone'>(deps, {
    begin,
    showProgress: async () => {},
    work: ({ video }, work) => wanted.make(video, work),
    end: async (_, made) => ({ replacedKeys: (await wanted.record(made)).unneededKeys }),
  });
  return ended.outcome;
}
