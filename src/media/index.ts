import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { createAudioRenderer } from './audio.ts';
import { expectedAudioBytes } from './audioCommands.ts';
import { createMerger } from './merge/merge.ts';
import { createPictureRenderer } from './picture.ts';
import { createPlaybackRenderer } from './playback.ts';
import { createProbe } from './probe.ts';
import { createRehearsal } from './rehearsal.ts';
import { createRunner } from './runner.ts';
import { createSpeechExtractor } from './speech/extract.ts';
import { createStoryboarder } from './storyboard.ts';
import { createThumbnailer } from './thumbnail.ts';
import { createTrimByCopying } from './trim/byCopying.ts';
import { createTrimByEncoding } from './trim/byEncoding.ts';

export type { AudioRequest } from './audio.ts';
export type { EditOutcome } from './editOutcome.ts';
export type { MergeInput, MergeRequest } from './merge/request.ts';
export type { PictureRequest, RenderedPicture } from './picture.ts';
export type { Playback, PlaybackRequest } from './playback.ts';
export type { Watch } from './runner.ts';
export type { ExtractedSpeech, SpeechRequest } from './speech/extract.ts';
export type { Storyboard, StoryboardRequest } from './storyboard.ts';
export type { Thumbnail, ThumbnailRequest } from './thumbnail.ts';
export type { TrimRequest } from './trim/trimRequest.ts';

export type MediaConfig = Pick<
  Config,
  'FFMPEG_PATH' | 'FFPROBE_PATH' | 'MAX_DURATION_SEC' | 'MAX_WIDTH' | 'MAX_HEIGHT'
>;

/** Everything videoflow asks of ffmpeg. */
export type Media = ReturnType<typeof createMedia>;

/** Makes the media adapter. All paths are absolute; outputs appear under their names only when whole. */
export function createMedia({ config, log }: { config: MediaConfig; log: Log }) {
  const runner = createRunner({ config, log: log.child({ module: 'media' }) });
  const work = {
    probe: createProbe({ runner, limits: config }),
    renderThumbnail: createThumbnailer({ runner }),
    renderPicture: createPictureRenderer({ runner }),
    renderStoryboard: createStoryboarder({ runner }),
    renderAudio: createAudioRenderer({ runner }),
    extractSpeech: createSpeechExtractor({ runner }),
    ...createMerger({ runner }),
    trimByCopying: createTrimByCopying({ runner }),
    trimByEncoding: createTrimByEncoding({ runner }),
    // What was made of a video of just the accepted length may be a frame longer.
    ...createPlaybackRenderer({ runner, probe: createProbe({ runner, limits: roomier(config) }) }),
  };
  return { ...work, expectedAudioBytes, assertUsable: createRehearsal(work) };
}

const roomier = (config: MediaConfig): MediaConfig => ({
  ...config,
  MAX_DURATION_SEC: config.MAX_DURATION_SEC * 2,
});
