import { join } from 'node:path';
import { SourceMissingError } from '../src/errors.ts';
import type { Media } from '../src/media/index.ts';
import type { Storage } from '../src/storage/storage.ts';
import type { StepInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { runStep, type StepOutcome, type StepResults, type StepWork } from './steps.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

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

    /** Makes what browsers play without encoding anything; hands the step back where that will not do. */
    copyPlayback: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'playback', (step) => makePlayback(storage, step, media.copyPlayback)),

    encodePlayback: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'playback', (step) => makePlayback(storage, step, media.encodePlayback)),
  };
}

async function makePlayback(
  storage: Storage,
  { video, scratchDir, watch, assetKey }: StepWork,
  make: Media['copyPlayback'],
): Promise<StepResults> {
  const inputPath = await storage.fetch(sourceKey(video), scratchDir);
  const outputPath = join(scratchDir, 'playback.mp4');
  const playback = await make({ inputPath, outputPath, facts: factsOf(video) }, watch);
  if (!playback) return { isHandedBack: true };
  const key = assetKey('playback.mp4');
  await storage.put(key, outputPath);
  return { assets: [{ kind: 'playback', key, ...playback }] };
}
