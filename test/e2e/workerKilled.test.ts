import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { scratchJobsIn, toolsAtWorkIn } from '../support/leftovers.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';

const UPLOADS = 10;
const KILLS = 3;
const TOOLS_GONE_MS = 2000;
const SIX_MINUTES_AGO_MS = 6 * 60_000;

interface VideoView {
  id: string;
  status: string;
  thumbnail_url: string | null;
  storyboard_url: string | null;
}

interface StepView {
  name: string;
  state: string;
  attempt: number;
}

describe('ten uploads while the worker is killed three times', () => {
  let engine: TestEngine;
  let api: ApiProcess;

  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine();
    api = await engine.startApi();
  });
  after(() => engine?.close());

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${api.url}${path}`, { headers: { authorization: `Bearer ${api.token}` } });
    assert.equal(response.status, 200, path);
    return (await response.json()) as T;
  };

  const upload = async (path: string): Promise<string> => {
    const response = await fetch(`${api.url}/v1/videos`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'video/mp4' },
      body: await readFile(path),
    });
    assert.equal(response.status, 202);
    return ((await response.json()) as VideoView).id;
  };

  it('loses nothing, leaves nothing behind, and needs no human', async function () {
    this.timeout(300_000);
    const file = await fixture('tenMinutes');
    engine.startWorker();
    const ids = await Promise.all(Array.from({ length: UPLOADS }, () => upload(file)));

    for (let kill = 0; kill < KILLS; kill++) {
      // On a video: at its start a worker tries its tools out on something of its own.
      await waitFor(async () => (await toolsAtWorkIn(engine.config.STORAGE_DIR)).length > 0, {
        what: 'an ffmpeg at work',
        timeoutMs: 60_000,
        everyMs: 5,
      });
      await engine.stopWorkers('SIGKILL');
      await delay(TOOLS_GONE_MS);
      assert.deepEqual(await toolsAtWorkIn(engine.config.DATA_DIR), [], 'an ffmpeg outlived its worker');
      engine.startWorker();
    }

    const steps = await Promise.all(
      ids.map((id) =>
        waitFor(
          async () => {
            const { data } = await get<{ data: StepView[] }>(`/v1/videos/${id}/steps`);
            return data.every(({ state }) => state === 'succeeded' || state === 'skipped') ? data : null;
          },
          { what: `every step of ${id}`, timeoutMs: 180_000, everyMs: 500 },
        ),
      ),
    );
    const repeated = steps.flat().filter((step) => step.attempt > 1);
    assert.ok(repeated.length >= KILLS, `only ${repeated.length} steps were repeated`);
    for (const id of ids) await assertWhole(await get<VideoView>(`/v1/videos/${id}`));
    await assertScratchIsSwept();
  });

  async function assertWhole(video: VideoView): Promise<void> {
    assert.equal(video.status, 'ready');
    for (const url of [video.thumbnail_url, video.storyboard_url]) {
      assert.ok(url);
      const path = url.replace(/^https?:\/\/[^/]+/, api.url);
      const response = await fetch(path);
      assert.equal(response.status, 200);
      const body = Buffer.from(await response.arrayBuffer());
      if (response.headers.get('content-type')?.startsWith('text/vtt'))
        assert.match(body.toString(), /^WEBVTT/);
      else await assertDecodes(body);
    }
  }

  async function assertDecodes(picture: Buffer): Promise<void> {
    const path = join(engine.config.DATA_DIR, 'picture.jpg');
    await writeFile(path, picture);
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
  }

  async function assertScratchIsSwept(): Promise<void> {
    const { SCRATCH_DIR } = engine.config;
    const folders = await readdir(SCRATCH_DIR);
    assert.ok(folders.length > 1, 'the folders of killed workers wait for their five minutes');
    const longAgo = new Date(Date.now() - SIX_MINUTES_AGO_MS);
    await engine.stopWorkers('SIGTERM');
    for (const folder of await readdir(SCRATCH_DIR))
      await utimes(join(SCRATCH_DIR, folder), longAgo, longAgo);
    engine.startWorker();
    await waitFor(async () => (await readdir(SCRATCH_DIR)).length <= 1, {
      what: 'the sweep',
      timeoutMs: 30_000,
    });
    // The new worker's own trial of its tools is the last to go.
    await waitFor(async () => (await scratchJobsIn(SCRATCH_DIR)).length === 0, { what: 'an empty scratch' });
  }
});
