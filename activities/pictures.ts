import { join } from 'node:path';
import { newId } from '../src/db/ids.ts';
import { pictureVariant } from '../src/domain/picture.ts';
import type { RenderedPicture } from '../src/media/index.ts';
import type { RenderPictureInput } from '../workflows/contract.ts';
import { quotaLimits } from './attempt.ts';
import type { ActivityDeps } from './index.ts';
import { type MadeFileOutcome, makeFile } from './madeFiles.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

type StoredPicture = RenderedPicture & { key: string };

/** Pictures of chosen times and sizes, made when somebody asks for them. */
export function createPictureActivities(deps: ActivityDeps) {
  const { db, media, storage, config } = deps;
  const limits = () => ({ ...quotaLimits(config), maxPicturesPerVideo: config.MAX_PICTURES_PER_VIDEO });
  return {
    /** Makes one picture: see `makeFile`. */
    makePicture: async (input: RenderPictureInput): Promise<MadeFileOutcome> => {
      const { videoId, userId, timeSec, width, height, format, requestId } = input;
      const variant = pictureVariant(input);
      const log = deps.log.child({ module: 'activities', videoId, picture: variant, request_id: requestId });
      return makeFile<StoredPicture>(
        { ...deps, log },
        {
          ...{ videoId, userId },
          isMade: async () => (await db.pictures.find(videoId, variant)) !== null,
          make: async (video, { scratchDir, watch, note }) => {
            const inputPath = await storage.fetch(sourceKey(video), scratchDir);
            const outputPath = join(scratchDir, `picture.${format}`);
            const wanted = { timeSec, width, height, format, facts: factsOf(video) };
            const picture = await media.renderPicture({ inputPath, outputPath, ...wanted }, watch);
            // Another time it is another object: what was evicted may still be on its way out.
            const key = note(`assets/${videoId}/${newId()}-picture.${format}`);
            return { ...picture, ...(await storage.put(key, outputPath)), key };
          },
          record: (picture) => db.pictures.record({ ...picture, videoId, userId, variant }, limits()),
        },
      );
    },
  };
}
