import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DiskFullError, MediaToolError } from '../errors.ts';
import type { Probe } from './probe.ts';
import type { Watch } from './runner.ts';
import type { RenderStoryboard } from './storyboard.ts';
import type { RenderThumbnail } from './thumbnail.ts';

/**
 * Four seconds with a single key frame, so that its storyboard is tried both ways:
 * ffmpeg -f lavfi -i testsrc2=s=32x32:r=1:d=4 -c:v libx264 -preset veryslow -crf 45 -g 99 -bf 0 rehearsal.mp4
 */
const SAMPLE = fileURLToPath(new URL('./rehearsal.mp4', import.meta.url));

export interface MediaWork {
  probe: Probe;
  renderThumbnail: RenderThumbnail;
  renderStoryboard: RenderStoryboard;
}

/** Makes the function that tries out whether this machine's ffmpeg can do what will be asked of it. */
export function createRehearsal({ probe, renderThumbnail, renderStoryboard }: MediaWork) {
  /**
   * Does every kind of work on a tiny video, with the very code that does it later: a list of options
   * to look for would fall behind.
   *
   * @param folder an empty one, for the results
   * @throws MediaToolError `media_tool_missing` or `media_tool_unusable`; DiskFullError
   */
  return async function assertUsable(folder: string): Promise<void> {
    const watch: Watch = { signal: new AbortController().signal, onProgress: () => {} };
    try {
      const facts = await probe(SAMPLE, watch);
      const outputs = {
        imagePath: join(folder, 'storyboard.jpg'),
        indexPath: join(folder, 'storyboard.vtt'),
      };
      await renderThumbnail({ inputPath: SAMPLE, facts, outputPath: join(folder, 'thumbnail.jpg') }, watch);
      await renderStoryboard({ inputPath: SAMPLE, facts, imageName: 'storyboard.jpg', ...outputs }, watch);
    } catch (cause) {
      const isMissing = cause instanceof MediaToolError && cause.code === 'media_tool_missing';
      if (isMissing || cause instanceof DiskFullError) throw cause;
      throw new MediaToolError(
        'The ffmpeg or ffprobe of this worker cannot do what is asked of it: install ffmpeg 5.1 or newer, with H.264',
        'media_tool_unusable',
        { cause },
      );
    }
  };
}
