import { join } from 'node:path';
import { AUDIO_CONTENT_TYPES } from '../src/domain/audio.ts';
import type { StepInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { runStep, type StepOutcome } from './steps.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

/** The sound of videos alone. */
export function createAudioActivities(deps: ActivityDeps) {
  const { media, storage } = deps;
  return {
    /** Makes the sound of a video ahead of anybody's asking, since its caller wished for that. */
    makeAudio: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'audio', async ({ video, scratchDir, watch, assetKey }) => {
        const inputPath = await storage.fetch(sourceKey(video), scratchDir);
        const outputPath = join(scratchDir, 'audio.m4a');
        await media.renderAudio({ inputPath, outputPath, facts: factsOf(video), format: 'm4a' }, watch);
        const key = assetKey('audio.m4a');
        const { sizeBytes } = await storage.put(key, outputPath);
        const contentType = AUDIO_CONTENT_TYPES.m4a;
        return {
          assets: [{ kind: 'audio', variant: 'm4a', key, contentType, sizeBytes, width: null, height: null }],
        };
      }),
  };
}
