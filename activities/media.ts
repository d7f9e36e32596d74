import { join } from 'node:path';
import type { Video } from '../src/db/entities/video.ts';
import type { MediaFacts } from '../src/domain/media.ts';
import { NotProbedError, SourceMissingError } from '../src/errors.ts';
import type { StepInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { runStep, type StepOutcome } from './steps.ts';

/** The steps of a video's processing. */
export function createMediaActivities(deps: ActivityDeps) {
  const { media, storage } = deps;
  return {
    /** Makes sure that the source is stored whole before anything is built on it. */
    checkSource: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'source', async ({ video }) => {
        const stored = await storage.stat(sourceKey(video));
        if (!stored) throw new SourceMissingError('The uploaded file is no longer in the storage');
        if (stored.sizeBytes !== video.sizeBytes) {
          throw new SourceMissingError('The uploaded file is not as long as it was when it was accepted');
        }
        return {};
      }),

    probeVideo: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'probe', async ({ video, scratchDir, watch }) => {
        const inputPath = await storage.fetch(sourceKey(video), scratchDir);
        return { facts: await media.probe(inputPath, watch) };
      }),

    renderThumbnail: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'thumbnail', async ({ video, scratchDir, watch, assetKey }) => {
        const inputPath = await storage.fetch(sourceKey(video), scratchDir);
        const outputPath = join(scratchDir, 'thumbnail.jpg');
        const picture = await media.renderThumbnail({ inputPath, outputPath, facts: factsOf(video) }, watch);
        const key = assetKey('thumbnail.jpg');
        const { sizeBytes } = await storage.put(key, outputPath);
        const { width, height, contentType } = picture;
        return { assets: [{ kind: 'thumbnail', key, contentType, sizeBytes, width, height }] };
      }),

    renderStoryboard: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'storyboard', async ({ video, scratchDir, watch, assetKey }) => {
        const inputPath = await storage.fetch(sourceKey(video), scratchDir);
        const imagePath = join(scratchDir, 'storyboard.jpg');
        const indexPath = join(scratchDir, 'storyboard.vtt');
        const request = {
          inputPath,
          imagePath,
          indexPath,
          imageName: 'storyboard.jpg',
          facts: factsOf(video),
        };
        const board = await media.renderStoryboard(request, watch);
        const imageKey = assetKey('storyboard.jpg');
        const indexKey = assetKey('storyboard.vtt');
        const image = await storage.put(imageKey, imagePath);
        const index = await storage.put(indexKey, indexPath);
        const size = { width: board.tileWidth * board.columns, height: board.tileHeight * board.rows };
        return {
          assets: [
            { kind: 'storyboard_image', key: imageKey, contentType: 'image/jpeg', ...image, ...size },
            {
              kind: 'storyboard_index',
              key: indexKey,
              contentType: 'text/vtt',
              ...index,
              width: null,
              height: null,
            },
          ],
        };
      }),
  };
}

function sourceKey(video: Video): string {
  if (!video.sourceKey) throw new SourceMissingError('The video has no bytes yet');
  return video.sourceKey;
}

/** The facts of a video as its probe left them in the row. */
function factsOf(video: Video): MediaFacts {
  const { container, durationSec, sizeBytes, width, height, videoCodec, streams, videoStreamIndex } = video;
  const known = { container, durationSec, sizeBytes, width, height, videoCodec, streams, videoStreamIndex };
  if (Object.values(known).some((fact) => fact === null || fact === undefined)) {
    throw new NotProbedError('The video was not probed yet');
  }
  return {
    ...(known as Pick<MediaFacts, keyof typeof known>),
    fps: video.fps ?? null,
    rotation: video.rotation ?? 0,
    audioCodec: video.audioCodec ?? null,
    hasAudio: video.hasAudio ?? false,
    language: video.language ?? null,
    isProgressive: video.isProgressive ?? null,
  };
}
