import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { createProbe } from './probe.ts';
import { createRehearsal } from './rehearsal.ts';
import { createRunner } from './runner.ts';
import { createStoryboarder } from './storyboard.ts';
import { createThumbnailer } from './thumbnail.ts';

export type { Watch } from './runner.ts';
export type { Storyboard, StoryboardRequest } from './storyboard.ts';
export type { Thumbnail, ThumbnailRequest } from './thumbnail.ts';

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
    renderStoryboard: createStoryboarder({ runner }),
  };
  return { ...work, assertUsable: createRehearsal(work) };
}
