import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiProcess, type ChildProgram, startTestEngine, type TestEngine } from '../support/engine.ts';
import { toolsAtWorkIn } from '../support/leftovers.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { withObjectStore } from '../support/objectStore.ts';
import { waitFor } from '../support/stack.ts';

const VIDEOS = 3;

interface VideoView {
  id: string;
  status: string;
  thumbnail_url: string | null;
  storyboard_url: string | null;
}

interface StepView {
  name: string;
  state: string;
}

describe('two workers with no folder in common', () => {
  const store = withObjectStore();
  let engine: TestEngine;
  let api: ApiProcess;

  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine({ ...store().environment, MEDIA_SLOTS: '1' });
    api = await engine.startApi({ DATA_DIR: hostDir('api') });
  });
  after(() => engine?.close());

  /** The folder that stands for the disk of a machine. */
  const hostDir = (host: string): string => join(engine.config.DATA_DIR, 'hosts', host);
  const startHost = (host: string, queues: string): ChildProgram =>
    engine.startWorker({ DATA_DIR: hostDir(host), WORKER_QUEUES: queues });

  const get = (url: string): Promise<Response> => {
    const { pathname, search } = new URL(url, api.url);
    return fetch(`${api.url}${pathname}${search}`, { headers: { authorization: `Bearer ${api.token}` } });
  };

  async function upload(file: string): Promise<string> {
    const response = await fetch(`${api.url}/v1/videos`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'video/mp4' },
      body: await readFile(file),
    });
    assert.equal(response.status, 202);
    return ((await response.json()) as VideoView).id;
  }

  const findWhole = async (id: string): Promise<VideoView | null> => {
    const video = (await (await get(`/v1/videos/${id}`)).json()) as VideoView;
    return video.status === 'ready' && video.thumbnail_url && video.storyboard_url ? video : null;
  };

  it('finish videos on S3, each doing steps of its own, also when one is killed in the middle', async function () {
    this.timeout(180_000);
    const file = await fixture('tenMinutes');
    const ids = await Promise.all(Array.from({ length: VIDEOS }, () => upload(file)));
    // Without a worker for the workflows it has nothing to do yet: the first one cannot be done before it comes.
    startHost('second', 'media');
    await waitFor(async () => (await engine.workerLog()).some(({ msg }) => msg === 'working'), {
      what: 'the second machine',
      timeoutMs: 60_000,
    });
    const first = startHost('first', 'workflows,media');
    await waitFor(() => hasStepDone(ids), { what: 'a step done', timeoutMs: 60_000 });
    for (const host of ['first', 'second'])
      await waitFor(() => isAtWorkOnVideo(host), {
        what: `work on the ${host} machine`,
        timeoutMs: 60_000,
        everyMs: 5,
      });
    await first.kill('SIGKILL');
    startHost('third', 'workflows');

    for (const id of ids) {
      const video = await waitFor(() => findWhole(id), { what: `video ${id}`, timeoutMs: 120_000 });
      await assertWhole(video);
    }
    for (const host of ['first', 'second', 'third', 'api'])
      await assert.rejects(access(join(hostDir(host), 'storage')), `${host} kept objects in a folder`);
  });

  const hasStepDone = async (ids: readonly string[]): Promise<boolean> => {
    const videos = await Promise.all(
      ids.map(async (id) => (await (await get(`/v1/videos/${id}/steps`)).json()) as { data: StepView[] }),
    );
    return videos.some(({ data }) =>
      data.some((step) => step.name === 'probe' && step.state === 'succeeded'),
    );
  };

  /** With something fetched: at its start a worker tries its tools out on something of its own. */
  const isAtWorkOnVideo = async (host: string): Promise<boolean> =>
    (await cachedOn(host)).length > 0 && (await toolsAtWorkIn(join(hostDir(host), 'scratch'))).length > 0;

  /** What the machine fetched, without what it was fetching when it ended. */
  const cachedOn = async (host: string): Promise<string[]> =>
    (await readdir(join(hostDir(host), 'cache'))).filter((name) => !name.startsWith('.'));

  async function assertWhole(video: VideoView): Promise<void> {
    for (const [url, type, beginning] of [
      [video.thumbnail_url, 'image/jpeg', /^\xff\xd8/],
      [video.storyboard_url, 'text/vtt', /^WEBVTT/],
    ] as const) {
      assert.ok(url);
      const response = await get(url);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', new RegExp(`^${type}`));
      assert.match(Buffer.from(await response.arrayBuffer()).toString('latin1'), beginning);
    }
  }
});
