import assert from 'node:assert/strict';
import type { Step } from '../../src/db/entities/step.ts';
import type { Transcript } from '../../src/db/entities/transcript.ts';
import type { Video } from '../../src/db/entities/video.ts';
import type { TranscriptOptions } from '../../src/domain/transcript.ts';
import type { TestEngine } from './engine.ts';
import { waitFor } from './stack.ts';

export type TranscriptsOfEngine = ReturnType<typeof transcriptsOf>;

/** The step `transcript` of a video. */
export const stepOf = (video: Video): Step => {
  const step = [...video.steps].find(({ name }) => name === 'transcript');
  assert.ok(step);
  return step;
};

/** Plays the API for transcripts. */
export function transcriptsOf(engine: TestEngine) {
  const { db, flows, userId } = engine;
  const begin = (answer: { outcome: string; video?: Video }) => {
    assert.ok(answer.outcome === 'accepted' && answer.video, answer.outcome);
    const { id: videoId, run } = answer.video;
    return flows.startProcessing({ videoId, userId, run });
  };
  return {
    add: (file: string, owner = userId): Promise<string> =>
      engine.addVideo(file, { steps: ['transcript'], userId: owner }),
    untilStep: (id: string, state: Step['state']): Promise<Step> =>
      waitFor(
        async () => {
          const step = stepOf(await engine.find(id));
          return step.state === state ? step : null;
        },
        { what: `a transcript to be ${state}`, timeoutMs: 60_000 },
      ),
    async transcriptOf(id: string): Promise<Transcript> {
      const transcript = await db.transcripts.findCurrent(id);
      assert.ok(transcript, 'there is no transcript');
      return transcript;
    },
    askFor: async (id: string, options: TranscriptOptions) =>
      begin(await db.transcriptRequests.request(userId, id, options)),
    retry: async (id: string) => begin(await db.videos.requestRetry(userId, id, 'transcript')),
  };
}
