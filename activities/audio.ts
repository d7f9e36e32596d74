import { join } from 'node:path';
import type { Video } from '../src/db/entities/video.ts';
import { newId } from '../src/db/ids.ts';
import { AUDIO_CONTENT_TYPES, type AudioFormat } from '../src/domain/audio.ts';
import { soundStreamsOf } from '../src/domain/media.ts';
import type { RenderAudioInput, StepInput } from '../workflows/contract.ts';
import { type AttemptTools, quotaLimits } from './attempt.ts';
import type { ActivityDeps } from './index.ts';
import { type MadeFileOutcome, makeFile } from './madeFiles.ts';
import { runStep, type StepOutcome } from './steps.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

/** The sound of videos alone. */
export function createAudioActivities(deps: ActivityDeps) {
  const { db, media, scratch, storage, config } = deps;

  async function render(
    video: Video,
    format: AudioFormat,
    { scratchDir, watch }: Pick<AttemptTools, 'scratchDir' | 'watch'>,
  ): Promise<string> {
    const inputPath = await storage.fetch(sourceKey(video), scratchDir);
    const outputPath = join(scratchDir, `audio.${format}`);
    const facts = factsOf(video);
    await scratch.assertRoom(media.expectedAudioBytes(facts, format));
    await media.renderAudio({ inputPath, outputPath, facts, format }, watch);
    return outputPath;
  }

  return {
    /** Makes the sound of a video ahead of anybody's asking, since its caller wished for that. */
    makeAudio: async (input: StepInput): Promise<StepOutcome> => {
      const { videoId, run } = input;
      const waiting = await db.steps.findWaiting({ videoId, run, name: 'audio' });
      if (waiting && soundStreamsOf(factsOf(waiting)).length === 0) {
        await db.steps.skipStep({ videoId, run, name: 'audio' }, NO_AUDIO);
        return 'done';
      }
      return runStep(deps, input, 'audio', async ({ video, assetKey, ...tools }) => {
        const path = await render(video, 'm4a', tools);
        const key = assetKey('audio.m4a');
        const { sizeBytes } = await storage.put(key, path);
        const contentType = AUDIO_CONTENT_TYPES.m4a;
        return {
          assets: [{ kind: 'audio', variant: 'm4a', key, contentType, sizeBytes, width: null, height: null }],
        };
      });
    },

    /** Makes it in one format since somebody asked: see `makeFile`. */
    makeSound: async ({ videoId, userId, format, requestId }: RenderAudioInput): Promise<MadeFileOutcome> => {
      const log = deps.log.child({ module: 'activities', videoId, audio: format, request_id: requestId });
      return makeFile<{ key: string; sizeBytes: number }>(
        { ...deps, log },
        {
          ...{ videoId, userId },
          isMade: async () => (await db.sounds.find(videoId, format)) !== null,
          make: async (video, tools) => {
            // Its record asks again, for what it really takes: this is so that nothing is made in vain.
            const wanted = media.expectedAudioBytes(factsOf(video), format);
            await db.uploads.assertRoom(userId, wanted, quotaLimits(config));
            const path = await render(video, format, tools);
            const key = tools.note(`assets/${videoId}/${newId()}-audio.${format}`);
            return { key, ...(await storage.put(key, path)) };
          },
          record: (sound) => {
            const contentType = AUDIO_CONTENT_TYPES[format];
            const file = { ...sound, videoId, userId, variant: format, contentType };
            return db.sounds.record(file, quotaLimits(config));
          },
        },
      );
    },
  };
}

const NO_AUDIO = { code: 'no_audio', message: 'The video has no sound', retryable: false };
