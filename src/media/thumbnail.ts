import { rename, rm } from 'node:fs/promises';
import type { MediaFacts } from '../domain/media.ts';
import { MAX_PICTURE_BYTES, type ThumbnailCommand, thumbnailArgs } from './commands.ts';
import { uselessRun } from './complaints.ts';
import { rethrowDiskError } from './diskErrors.ts';
import { readJpeg } from './jpeg.ts';
import type { Runner, Watch } from './runner.ts';
import { fitWidth } from './storyboardGrid.ts';

export interface ThumbnailRequest {
  inputPath: string;
  outputPath: string;
  facts: MediaFacts;
  widthPx?: number;
}

export interface Thumbnail {
  width: number;
  height: number;
  sizeBytes: number;
  contentType: 'image/jpeg';
  /** When the shown frame appears in the video. */
  timeSec: number;
}

const DEFAULT_WIDTH_PX = 640;
const POSITION = 0.1;
/** Up to here the exact frame costs at most this much decoding; later on the key frame before it will do. */
const EXACT_UNTIL_SEC = 10;
const LIMITS = { wallClockSec: 60, cpuSec: 60, fileSizeBytes: MAX_PICTURE_BYTES };

type Place = Pick<ThumbnailCommand, 'seekSec' | 'accuracy'>;

/**
 * Gives the places to try. Near the beginning the key frame before 10 % is often the black first frame,
 * so the exact one is taken. The last two are for files that end earlier than they say, or whose
 * beginning is all there is.
 */
export function thumbnailPlaces(durationSec: number): Place[] {
  const seekSec = durationSec * POSITION;
  const first: Place[] = seekSec >= EXACT_UNTIL_SEC ? [{ seekSec, accuracy: 'keyframe' }] : [];
  return [...first, { seekSec, accuracy: 'exact' }, { seekSec: 0, accuracy: 'keyframe' }];
}

const milliseconds = (sec: number) => Math.max(0, Math.round(sec * 1000) / 1000);

export type RenderThumbnail = ReturnType<typeof createThumbnailer>;

/** Makes the function that renders thumbnails. */
export function createThumbnailer({ runner }: { runner: Runner }) {
  /**
   * Renders one JPEG at a tenth of the duration, in the shape a player shows.
   *
   * @throws UnusableMediaError `corrupt_media` when no frame of the video can be decoded; as `Runner.run`
   */
  return async function renderThumbnail(request: ThumbnailRequest, watch: Watch): Promise<Thumbnail> {
    const { inputPath, outputPath, facts } = request;
    const size = fitWidth(facts, request.widthPx ?? DEFAULT_WIDTH_PX);
    const temporaryPath = `${outputPath}.part`;
    const wanted = { inputPath, outputPath: temporaryPath, streamIndex: facts.videoStreamIndex, ...size };
    let failure: Error | undefined;
    try {
      for (const place of thumbnailPlaces(facts.durationSec)) {
        const args = thumbnailArgs({ ...wanted, ...place, durationSec: facts.durationSec });
        const run = await runner.run({ tool: 'ffmpeg', args, limits: LIMITS, output: 'progress' }, watch);
        // Past the end of a file ffmpeg is content with nothing: the picture itself is the proof.
        const picture = run.exitCode === 0 ? await readJpeg(temporaryPath) : null;
        if (picture) {
          await rename(temporaryPath, outputPath).catch(rethrowDiskError);
          const timeSec = milliseconds(place.seekSec + (run.progress.firstSeenSec ?? 0));
          return { ...picture, contentType: 'image/jpeg', timeSec };
        }
        failure = uselessRun('ffmpeg', run);
      }
    } finally {
      await rm(temporaryPath, { force: true });
    }
    throw failure;
  };
}
