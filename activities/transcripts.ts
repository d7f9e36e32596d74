import type { StepInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';

/** What a video's step `transcript` comes to. */
export type TranscriptWay = 'none';

/** The transcripts of videos: their own, and those that a trim or a merge carries over. */
export function createTranscriptActivities({ db, transcriber }: ActivityDeps) {
  return {
    /** How a video comes to its transcript. A step that has nothing to do ends here. */
    chooseTranscript: async ({ videoId, run }: StepInput): Promise<TranscriptWay> => {
      const video = await db.steps.findWaiting({ videoId, run, name: 'transcript' });
      if (video && !transcriber)
        await db.steps.skipStep({ videoId, run, name: 'transcript' }, NO_TRANSCRIBER);
      return 'none';
    },
  };
}

const NO_TRANSCRIBER = { code: 'no_transcriber', message: 'No transcriber is configured', retryable: false };
