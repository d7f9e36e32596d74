import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { MediaFacts } from '../../src/domain/media.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { mediaUnderTest, quietWatch, withFolder } from '../support/mediaAdapter.ts';
import { makeMedia } from '../support/mediaFixtures.ts';
import { createPostCaller, type PostCaller } from '../support/postCalls.ts';
import { seededRandom } from '../support/stack.ts';

interface Finding {
  code: string;
  verdict: string;
  fix: string | null;
  actual: unknown;
}
interface Target {
  platform: string;
  verdict: string;
  findings: Finding[];
}

const random = seededRandom('preflight');
const PLATFORMS = ['tiktok', 'instagram', 'youtube', 'x'];

/** What the real probe says of a video that ffmpeg made. */
const probe = (size: string, fps: number, durationSec: number, container: string): Promise<MediaFacts> =>
  withFolder(async (folder) => {
    const path = join(folder, `video.${container}`);
    const source = ['-f', 'lavfi', '-i', `color=c=navy:s=${size}:r=${fps}:d=${durationSec}`];
    await makeMedia(...source, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', path);
    return mediaUnderTest().media.probe(path, quietWatch());
  });

describe('what platforms would say of a real video', () => {
  let api: TestApi;
  let posts: PostCaller;
  let account_id: string;

  before(async () => {
    api = await startApi();
    posts = createPostCaller(api, await api.makeUser());
    account_id = await posts.accounts.make({ platforms: PLATFORMS });
  });
  after(() => api?.close());

  /** What the preview of a post of this video says, by platform. */
  const preview = async (facts: MediaFacts): Promise<{ wouldBe: string; said: Record<string, string[]> }> => {
    const { status, body } = await posts.preview({
      ...{ video_id: await posts.probed(facts), account_id, title: 'A title' },
    });
    assert.deepEqual([status, body.media_checked], [200, true], JSON.stringify(body));
    const said = body.targets.map(({ platform, verdict, findings }: Target) => [
      platform,
      [verdict, ...findings.map((each) => `${each.code} ${each.fix} ${each.actual}`)],
    ]);
    return { wouldBe: body.would_be, said: Object.fromEntries(said) };
  };

  it('a few seconds of 4K with few frames would have to be encoded anew', async function () {
    this.timeout(20_000);
    const fps = random.int(11, 22);
    const { wouldBe, said } = await preview(await probe('3840x2160', fps, 4, 'mp4'));
    assert.equal(wouldBe, 'accepted');
    const slow = `frame_rate_too_low frame_rate ${fps}`;
    assert.deepEqual(said, {
      tiktok: ['fixable', slow],
      instagram: ['fixable', 'picture_too_big scale 3840', slow],
      youtube: ['ok'],
      x: ['fixable', 'picture_too_big scale 2160'],
    });
  });

  it('a single second in another container is too short for some, whatever is done', async function () {
    this.timeout(20_000);
    const { wouldBe, said } = await preview(await probe('720x1280', 30, 1, 'mkv'));
    assert.equal(wouldBe, 'refused');
    const unfit = 'container_unfit container mkv';
    assert.deepEqual(said.instagram, ['impossible', 'video_too_short null 1', unfit]);
    assert.deepEqual(said.x, ['fixable', unfit]);
    assert.deepEqual(said.youtube, ['ok']);
  });
});
