import { join } from 'node:path';
import type { Video } from '../src/db/entities/video.ts';
import { newId } from '../src/db/ids.ts';
import { pictureVariant } from '../src/domain/picture.ts';
import type { RenderedPicture } from '../src/media/index.ts';
import type { RenderPictureInput } from '../workflows/contract.ts';
import { quotaLimits, runAttempt } from './attempt.ts';
import type { ActivityDeps } from './index.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

type Beginning = { outcome: 'go'; video: Video } | { outcome: 'made' | 'gone' };
type StoredPicture = RenderedPicture & { key: string };

/** Pictures of chosen times and sizes, made when somebody asks for them. */
export function createPictureActivities(deps: ActivityDeps) {
  const { db, media, storage, config } = deps;

  async function begin({ videoId, userId, ...picture }: RenderPictureInput): Promise<Beginning> {
    const video = await db.videos.find(userId, videoId);
    if (!video) return { outcome: 'gone' };
    const isMade = await db.pictures.find(videoId, pictureVariant(picture));
    return isMade ? { outcome: 'made' } : { outcome: 'go', video };
  }

  return {
    /**
     * Makes one picture, unless it is there or its video is not. Whatever makes it in vain, because somebody was
     * faster or the video was deleted meanwhile, leaves nothing behind.
     */
    makePicture: async (input: RenderPictureInput): Promise<'done' | 'made' | 'gone'> => {
      const { videoId, userId, timeSec, width, height, format, requestId } = input;
      const variant = pictureVariant(input);
      const log = deps.log.child({ module: 'activities', videoId, picture: variant, request_id: requestId });
      const ended = await runAttempt<{ video: Video }, StoredPicture, 'made' | 'gone'>(
        { ...deps, log },
        {
          begin: () => begin(input),
          showProgress: async () => {},
          work: async ({ video }, { scratchDir, watch, note }) => {
            const inputPath = await storage.fetch(sourceKey(video), scratchDir);
            const outputPath = join(scratchDir, `picture.${format}`);
            const wanted = { timeSec, width, height, format, facts: factsOf(video) };
            const picture = await media.renderPicture({ inputPath, outputPath, ...wanted }, watch);
            // Another time it is another object: what was evicted may still be on its way out.
            const key = note(`assets/${videoId}/${newId()}-picture.${format}`);
            return { ...picture, ...(await storage.put(key, outputPath)), key };
          },
          end: async (_, picture) => {
            const limits = { ...quotaLimits(config), maxPicturesPerVideo: config.MAX_PICTURES_PER_VIDEO };
            const { unneededKeys } = await db.pictures.record(
              { ...picture, videoId, userId, variant },
              limits,
            );
            return { replacedKeys: unneededKeys };
          },
        },
      );
      return ended.outcome;
    },
  };
}
