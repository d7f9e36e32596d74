import { rename, rm, writeFile } from 'node:fs/promises';
import type { MediaFacts } from '../domain/media.ts';
import {
  keyframePacketsArgs,
  MAX_PACKET_BYTES,
  MAX_PICTURE_BYTES,
  type StoryboardCommand,
  tileAllFramesArgs,
  tileKeyframesArgs,
} from './commands.ts';
import { uselessRun } from './complaints.ts';
import { rethrowDiskError } from './diskErrors.ts';
import { type JpegFacts, readJpeg } from './jpeg.ts';
import { percentOfFrames, percentOfLength } from './progress.ts';
import type { Runner, Watch } from './runner.ts';
import { planStoryboard, type StoryboardGrid, storyboardIndex } from './storyboardGrid.ts';

export interface StoryboardRequest {
  inputPath: string;
  imagePath: string;
  indexPath: string;
  facts: MediaFacts;
  /** How the index names the sheet; relative to the index. */
  imageName: string;
}

export interface Storyboard extends StoryboardGrid {
  sizeBytes: number;
}

/** Below a third of the cells with a key frame of their own, too many would repeat. */
const MIN_KEYFRAME_SHARE = 1 / 3;

/** Scaled from measurements: copying reads some 1000 times faster than real time, decoding some 10 times. */
const copyLimits = (durationSec: number) => {
  const wallClockSec = 60 + durationSec * 0.1;
  return { wallClockSec, cpuSec: wallClockSec, fileSizeBytes: Math.max(MAX_PICTURE_BYTES, MAX_PACKET_BYTES) };
};
const decodeLimits = (durationSec: number) => {
  const wallClockSec = 60 + durationSec * 2;
  return { wallClockSec, cpuSec: wallClockSec * 2, fileSizeBytes: MAX_PICTURE_BYTES };
};

/** Progress that does not fall when the second way is taken after the first. */
function neverFalling(watch: Watch): Watch {
  let highest = 0;
  return {
    ...watch,
    onProgress: (percent) => {
      highest = Math.max(highest, percent);
      watch.onProgress(highest);
    },
  };
}

export type RenderStoryboard = ReturnType<typeof createStoryboarder>;

/** Makes the function that renders storyboards. */
export function createStoryboarder({ runner }: { runner: Runner }) {
  const tileKeyframes = async (command: StoryboardCommand, watch: Watch): Promise<JpegFacts | null> => {
    const limits = copyLimits(command.durationSec);
    const [packets, tiles] = await runner.runPipe(
      {
        tool: 'ffmpeg',
        args: keyframePacketsArgs(command),
        limits,
        output: 'packets',
        // Not by time: a video with too few key frames is read to its end in a moment, and then begun anew.
        percentOf: percentOfFrames(command.grid.count),
      },
      { tool: 'ffmpeg', args: tileKeyframesArgs(command), limits, output: 'progress' },
      watch,
    );
    const isEnough = packets.progress.frames >= command.grid.count * MIN_KEYFRAME_SHARE;
    const isClean = packets.exitCode === 0 && tiles.exitCode === 0;
    return isEnough && isClean ? readJpeg(command.imagePath) : null;
  };

  const tileAllFrames = async (command: StoryboardCommand, watch: Watch): Promise<JpegFacts> => {
    const limits = decodeLimits(command.durationSec);
    const args = tileAllFramesArgs(command);
    const percentOf = percentOfLength(command.durationSec);
    const run = await runner.run({ tool: 'ffmpeg', args, limits, output: 'progress', percentOf }, watch);
    const picture = run.exitCode === 0 ? await readJpeg(command.imagePath) : null;
    if (!picture) throw uselessRun('ffmpeg', run);
    return picture;
  };

  /**
   * Renders the sheet of seek previews and its WebVTT index.
   *
   * @throws UnusableMediaError `corrupt_media` when no frame can be decoded; as `Runner.run`
   */
  return async function renderStoryboard(request: StoryboardRequest, watch: Watch): Promise<Storyboard> {
    const { facts, imagePath, indexPath } = request;
    const { durationSec, rotation, videoStreamIndex: streamIndex } = facts;
    const grid = planStoryboard(facts);
    const [temporaryImage, temporaryIndex] = [`${imagePath}.part`, `${indexPath}.part`];
    const command = {
      inputPath: request.inputPath,
      imagePath: temporaryImage,
      streamIndex,
      grid,
      durationSec,
      rotation,
    };
    try {
      const rising = neverFalling(watch);
      const sheet = (await tileKeyframes(command, rising)) ?? (await tileAllFrames(command, rising));
      const index = storyboardIndex(grid, durationSec, request.imageName);
      await writeFile(temporaryIndex, index).catch(rethrowDiskError);
      await rename(temporaryImage, imagePath).catch(rethrowDiskError);
      await rename(temporaryIndex, indexPath).catch(rethrowDiskError);
      return { ...grid, sizeBytes: sheet.sizeBytes };
    } finally {
      await Promise.all([temporaryImage, temporaryIndex].map((path) => rm(path, { force: true })));
    }
  };
}
