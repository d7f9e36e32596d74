import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AudioFormat } from '../../src/domain/audio.ts';
import { PRIORITY, renderAudioId } from '../../workflows/contract.ts';
import { callUrl } from '../support/api.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { listenTo } from '../support/listening.ts';
import { type FixtureName, fixture } from '../support/mediaFixtures.ts';
import { uniqueName, waitFor } from '../support/stack.ts';

describe('the sound of a video, made by a worker', () => {
  let engine: TestEngine;
  let api: ApiProcess;
  let folder: string;

  before(async function () {
    this.timeout(120_000);
    folder = await mkdtemp(join(tmpdir(), 'videoflow-audio-'));
    engine = await startTestEngine({ WORKER_QUEUES: 'workflows,media,net' });
    engine.startWorker();
    api = await engine.startApi();
  });
  after(async function () {
    this.timeout(30_000);
    await engine?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (path: string, options = {}) => callUrl(`${api.url}${path}`, { token: api.token, ...options });
  const stepOf = async (id: string, name: string) =>
    (await ask(`/v1/videos/${id}/steps`)).body.data.find((step: { name: string }) => step.name === name);
  /** Uploads a video over HTTP and waits until nothing is left to be done. */
  const add = async (name: FixtureName, steps: string): Promise<string> => {
    const body = new Uint8Array(await readFile(await fixture(name)));
    const headers = { 'content-type': 'video/mp4' };
    const { id } = (await ask(`/v1/videos?process=${steps}`, { body, headers })).body;
    const isDone = async () =>
      (await ask(`/v1/videos/${id}/steps`)).body.data.every(({ state }: { state: string }) =>
        ['succeeded', 'skipped', 'failed'].includes(state),
      );
    await waitFor(isDone, { what: 'the video to be done', timeoutMs: 60_000 });
    return id;
  };
  const fetchSound = async (id: string, format: AudioFormat) => {
    const headers = { authorization: `Bearer ${api.token}` };
    const answer = await fetch(`${api.url}/v1/videos/${id}/audio.${format}`, { headers });
    const path = join(folder, `${uniqueName('sound')}.${format}`);
    await writeFile(path, Buffer.from(await answer.arrayBuffer()));
    return { status: answer.status, etag: answer.headers.get('etag'), path };
  };
  const describeRun = (id: string, format: AudioFormat) =>
    engine.client.workflow.getHandle(renderAudioId(id, format)).describe();
  const stored = async (id: string): Promise<string[]> => {
    const names = await readdir(join(engine.config.STORAGE_DIR, 'assets', id)).catch(() => []);
    return names.filter((name) => name.includes('audio.'));
  };

  it('is there ahead where that was wished, and made once for all who ask for another format', async function () {
    this.timeout(90_000);
    const id = await add('h264', 'audio');
    assert.equal((await stepOf(id, 'audio')).state, 'succeeded');
    const source = await listenTo(await fixture('h264'));
    const ahead = await fetchSound(id, 'm4a');
    assert.equal(ahead.status, 200);
    await assert.rejects(describeRun(id, 'm4a'), 'nobody had to make it');
    const [one, other] = await Promise.all([fetchSound(id, 'mp3'), fetchSound(id, 'mp3')]);
    assert.deepEqual([one.status, other.status, one.etag], [200, 200, other.etag]);
    assert.deepEqual((await stored(id)).length, 2);
    for (const { path } of [ahead, one]) {
      const heard = await listenTo(path);
      assert.ok(Math.abs(heard.durationSec - source.durationSec) < 0.15, `${heard.durationSec} s`);
      assert.ok(heard.loudnessDb(0.5, 1.5) > -25);
    }
    const run = await describeRun(id, 'mp3');
    assert.equal(run.priority?.priorityKey, PRIORITY.interactive);
    assert.equal(run.priority?.fairnessKey, await engine.db.videos.findOwner(id));
  });

  it('is skipped where there is none, and says so', async function () {
    this.timeout(60_000);
    const id = await add('noAudio', 'audio');
    const { state, error } = await stepOf(id, 'audio');
    assert.deepEqual([state, error?.code], ['skipped', 'no_audio']);
    const { status, body } = await ask(`/v1/videos/${id}/audio.m4a`);
    assert.deepEqual([status, body.code], [409, 'no_audio']);
  });
});
