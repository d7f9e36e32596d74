import { rename, rm } from 'node:fs/promises';
import type { MediaFacts } from '../domain/media.ts';
import { PICTURE_CONTENT_TYPES, type Picture } from '../domain/picture.ts';
import { MAX_PICTURE_BYTES } from './commands.ts';
import { uselessRun } from './complaints.ts';
import { rethrowDiskError } from './diskErrors.ts';
import { readJpeg } from './jpeg.ts';
import { pictureArgs } from './pictureCommands.ts';
import type { Runner, Watch } from './runner.ts';
import { readWebp } from './webp.ts';

export interface PictureRequest extends Picture {
  inputPath: string;
  outputPath: string;
  facts: MediaFacts;
}

export interface RenderedPicture {
  width: number;
  height: number;
  sizeBytes: number;
  contentType: `image/${string}`;
}

const LIMITS = { wallClockSec: 60, cpuSec: 60, fileSizeBytes: MAX_PICTURE_BYTES };
/** Longer than most distances between key frames. */
const STEP_BACK_SEC = 10;
const TOLERANCE_SEC = 0.05;

const READERS = { jpg: readJpeg, webp: readWebp };

/**
 * Gives the places to seek to, best first. In a file without an index of its key frames the seek lands in the middle
 * of nowhere, and the first picture that can be decoded may be later than wished; what has no earlier key frame at
 * all is decoded from its beginning.
 */
export function picturePlaces(timeSec: number): number[] {
  return [...new Set([timeSec, Math.max(0, timeSec - STEP_BACK_SEC), 0])];
}

export type RenderPicture = ReturnType<typeof createPictureRenderer>;

/** Makes the function that renders pictures of chosen times and sizes. */
export function createPictureRenderer({ runner }: { runner: Runner }) {
  /**
   * Renders what a player shows at a time, in the shape it shows it: the last frame that has begun by then; the first
   * one, when none has.
   *
   * @throws UnusableMediaError `corrupt_media` when no frame of the video can be decoded; as `Runner.run`
   */
  return async function renderPicture(request: PictureRequest, watch: Watch): Promise<RenderedPicture> {
    const { inputPath, outputPath, facts, timeSec, width, height, format } = request;
    const temporaryPath = `${outputPath}.part`;
    const wanted = { inputPath, outputPath: temporaryPath, timeSec, width, height, format };
    let failure: Error | undefined;
    try {
      for (const seekSec of picturePlaces(timeSec)) {
        const args = pictureArgs({ ...wanted, seekSec, streamIndex: facts.videoStreamIndex });
        const run = await runner.run({ tool: 'ffmpeg', args, limits: LIMITS, output: 'progress' }, watch);
        const picture = run.exitCode === 0 ? await READERS[format](temporaryPath) : null;
        const isAsWished = picture?.width === width && picture.height === height;
        const isInTime = seekSec === 0 || (run.progress.firstSeenSec ?? timeSec) <= timeSec + TOLERANCE_SEC;
        if (picture && isAsWished && isInTime) {
          await rename(temporaryPath, outputPath).catch(rethrowDiskError);
          return { ...picture, contentType: PICTURE_CONTENT_TYPES[format] };
        }
        failure = uselessRun('ffmpeg', run);
      }
    } finally {
      await rm(temporaryPath, { force: true });
    }
    throw failure;
  };
}
