import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MediaFacts } from '../domain/media.ts';
import { DiskFullError, MediaToolError } from '../errors.ts';
import type { RenderAudio } from './audio.ts';
import { inFull } from './inFull.ts';
import type { PlaybackRenderer } from './playback.ts';
import type { Probe } from './probe.ts';
import type { Watch } from './runner.ts';
import type { ExtractSpeech } from './speech/extract.ts';
import type { RenderStoryboard } from './storyboard.ts';
import type { RenderThumbnail } from './thumbnail.ts';

/**
 * Four seconds with a single key frame, so that its storyboard is tried both ways, and a sound:
 * ffmpeg -f lavfi -i testsrc2=s=32x32:r=1:d=4 -f lavfi -i sine=r=8000:d=4 -t 4 -c:v libx264 -preset veryslow
 * -crf 45 -g 99 -bf 0 -c:a aac -b:a 8k rehearsal.mp4
 */
const SAMPLE = fileURLToPath(new URL('./rehearsal.mp4', import.meta.url));

export interface MediaWork {
  probe: Probe;
  renderThumbnail: RenderThumbnail;
  renderStoryboard: RenderStoryboard;
  encodePlayback: PlaybackRenderer['encodePlayback'];
  renderAudio: RenderAudio;
  extractSpeech: ExtractSpeech;
}

/** Shorter than the sample, so that its sound is split. */
const SPEECH_LIMITS = { maxSec: 3, maxBytes: 1024 * 1024 };

/** Makes the function that tries out whether this machine's ffmpeg can do what will be asked of it. */
export function createRehearsal(work: MediaWork) {
  const { probe, renderThumbnail, renderStoryboard, encodePlayback, renderAudio, extractSpeech } = work;
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
      // Side by side: the worker's start waits for them.
      await inFull([
        renderThumbnail({ inputPath: SAMPLE, facts, outputPath: join(folder, 'thumbnail.jpg') }, watch),
        renderStoryboard({ inputPath: SAMPLE, facts, imageName: 'storyboard.jpg', ...outputs }, watch),
        encodePlayback(
          { inputPath: SAMPLE, facts: asUnplayable(facts), outputPath: join(folder, 'playback.mp4') },
          watch,
        ),
        renderAudio(
          { inputPath: SAMPLE, facts, format: 'mp3', outputPath: join(folder, 'audio.mp3') },
          watch,
        ),
        renderAudio(
          {
            inputPath: SAMPLE,
            facts: asUnplayable(facts),
            format: 'm4a',
            outputPath: join(folder, 'audio.m4a'),
          },
          watch,
        ),
        extractSpeech(
          { inputPath: SAMPLE, facts, limits: SPEECH_LIMITS, outputPath: join(folder, 'speech') },
          watch,
        ),
      ]);
    } catch (cause) {
      const isMissing = cause instanceof MediaToolError && cause.code === 'media_tool_missing';
      if (isMissing || cause instanceof DiskFullError) throw cause;
      throw new MediaToolError(
        'The ffmpeg or ffprobe of this worker cannot do what is asked of it: install ffmpeg 5.1 or newer, with H.264, AAC, MP3 and Opus',
        'media_tool_unusable',
        { cause },
      );
    }
  };
}

/** The sample as a record might speak of it whose every stream has to be encoded, with all filters that there are. */
const asUnplayable = (facts: MediaFacts): MediaFacts => ({
  ...facts,
  streams: facts.streams.map((stream) => ({
    ...stream,
    ...(stream.type === 'video'
      ? { pixelFormat: 'yuv420p10le', colorTransfer: 'smpte2084', fieldOrder: 'tt' }
      : { codec: 'ac3' }),
  })),
});
