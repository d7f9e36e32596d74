import { countUnits } from '../../src/captions/countLength.ts';
import type { MediaMeasures } from '../../src/domain/mediaPreflight.ts';
import type { Platform, Provider } from '../../src/domain/platform.ts';
import type { PostParams } from '../../src/domain/postParams.ts';
import { checkPost, type PlatformCheck } from '../../src/domain/preflight.ts';
import { resolveTarget } from '../../src/domain/publication.ts';
import { createTextCounts } from '../../src/domain/textCounts.ts';

/** A video that every platform takes. */
export const FITTING: MediaMeasures = {
  durationSec: 30,
  sizeBytes: 20e6,
  container: 'mp4',
  width: 720,
  height: 1280,
  fps: 30,
  videoCodec: 'h264',
};

/** What platforms ask for; given anew under the name of a platform it is as given. */
const NEEDED: PostParams = { pinterest: { pinterest_board_id: '1' }, reddit: { subreddit: 'a' } };

export interface TriedPost {
  title?: string;
  description?: string | null;
  params?: PostParams;
  provider?: Provider;
  media?: MediaMeasures | null;
}

/** Checks a post for some platforms; what is not given fits everywhere. The built-in provider has no words of its own. */
export function tryPost(platforms: readonly Platform[], post: TriedPost = {}): PlatformCheck[] {
  const {
    title = 'A day at sea',
    description = null,
    params = {},
    provider = 'test',
    media = FITTING,
  } = post;
  const targets = platforms.map((platform) =>
    resolveTarget({ title, description, params: { ...NEEDED, ...params }, isAi: false, platform }),
  );
  return checkPost({ provider, targets, media, counts: createTextCounts(countUnits) }).platforms;
}

/** The same for one platform. */
export function tryOn(platform: Platform, post: TriedPost = {}): PlatformCheck {
  const [check] = tryPost([platform], post);
  if (!check) throw new Error('Nothing was checked');
  return check;
}
