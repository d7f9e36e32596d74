import assert from 'node:assert/strict';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from '../../src/db/entities/step.ts';
import type { Video } from '../../src/db/entities/video.ts';
import { processVideoId } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { historyText } from '../support/historyText.ts';
import { type FixtureName, fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';

const stepOf = (video: Video, name: string): Step => {
  const step = [...video.steps].find((each) => each.name === name);
  assert.ok(step, name);
  return step;
};
const renditionsOf = (video: Video) => [...video.assets].filter(({ kind }) => kind === 'playback');

describe('the step of playback', () => {
  let engine: TestEngine;
  let brokenFlag: string;
  let FFMPEG_PATH: string;

  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine();
    brokenFlag = join(engine.config.DATA_DIR, 'broken');
    FFMPEG_PATH = await breakWhile(engine.config.DATA_DIR, brokenFlag);
    // Nobody encodes yet.
    engine.startWorker({ FFMPEG_PATH });
  });
  after(() => engine?.close());

  const add = async (name: FixtureName) => engine.addVideo(await fixture(name), { steps: [] });
  const untilReady = (id: string) =>
    waitFor(
      async () => {
        const video = await engine.find(id);
        return video.status === 'ready' ? video : null;
      },
      { what: 'the video to be ready', timeoutMs: 60_000, everyMs: 10 },
    );
  const handleOf = (id: string, run = 1) => engine.client.workflow.getHandle(processVideoId(id, run));
  const assertRendition = async (video: Video) => {
    const [rendition, ...others] = renditionsOf(video);
    assert.deepEqual(others, []);
    assert.ok(rendition?.contentType === 'video/mp4' && rendition.width && rendition.height);
    assert.equal((await engine.storage.stat(rendition.key))?.sizeBytes, rendition.sizeBytes);
  };

  it('is over with the probe where browsers play the source: no activity, no queue', async function () {
    this.timeout(90_000);
    const id = await add('faststart');
    const step = stepOf(await untilReady(id), 'playback');
    assert.deepEqual([step.state, step.attempt, step.percent], ['skipped', 0, 100]);
    await handleOf(id).result();
    const history = await historyText(engine.client, processVideoId(id, 1));
    assert.ok(!/(copy|encode)Playback/.test(history));
    assert.deepEqual(renditionsOf(await engine.find(id)), []);
  });

  it('takes seconds on the queue of the other steps where copying will do', async function () {
    this.timeout(60_000);
    const ids = [await add('h264'), await add('transportStream')];
    for (const id of ids) {
      const video = await engine.untilSettled(id);
      assert.deepEqual([video.status, stepOf(video, 'playback').state], ['ready', 'succeeded']);
      await assertRendition(video);
      assert.deepEqual(await handleOf(id).result(), { outcome: 'done' });
    }
  });

  it('never holds up `ready`, nor the copies of others, while it waits to be encoded', async function () {
    this.timeout(120_000);
    const encoded = await add('avi');
    // Its packets can be copied; what comes of it does not decode.
    const handedBack = await add('noisyBroadcast');
    for (const id of [encoded, handedBack]) {
      const step = stepOf(await untilReady(id), 'playback');
      assert.ok(['queued', 'running'].includes(step.state), step.state);
    }
    await waitFor(
      async () => {
        const step = stepOf(await engine.find(handedBack), 'playback');
        return step.state === 'queued' && step.attempt === 1;
      },
      { what: 'the step to be handed back', timeoutMs: 30_000 },
    );
    assert.equal(stepOf(await engine.untilSettled(await add('mov')), 'playback').state, 'succeeded');
    assert.equal(stepOf(await engine.find(encoded), 'playback').attempt, 0);
    // One that is not wanted any more is not encoded.
    const cancelled = await add('avi');
    await untilReady(cancelled);
    await engine.db.videos.requestCancel(engine.userId, cancelled);
    await engine.flows.cancelProcessing(cancelled, [1]);
    const left = await engine.untilSettled(cancelled);
    assert.deepEqual([left.status, stepOf(left, 'playback').state], ['ready', 'cancelled']);
    engine.startWorker({ FFMPEG_PATH, WORKER_QUEUES: 'encode' });
    for (const [id, attempts] of [
      [encoded, 1],
      [handedBack, 2],
    ] as const) {
      const video = await engine.untilSettled(id);
      const step = stepOf(video, 'playback');
      assert.deepEqual([step.state, step.attempt], ['succeeded', attempts]);
      await assertRendition(video);
    }
  });

  it('fails alone, leaves the video ready, and succeeds when it alone is done again', async function () {
    this.timeout(90_000);
    await writeFile(brokenFlag, '');
    const id = await add('mov');
    const failed = await engine.untilSettled(id);
    const step = stepOf(failed, 'playback');
    assert.deepEqual([failed.status, failed.errorCode ?? null], ['ready', null]);
    assert.deepEqual([step.state, step.errorCode], ['failed', 'corrupt_media']);
    assert.deepEqual(renditionsOf(failed), []);
    await assert.rejects(handleOf(id).result());
    await rm(brokenFlag);
    const retry = await engine.db.videos.requestRetry(engine.userId, id, 'playback');
    assert.ok(retry.outcome === 'accepted');
    await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: retry.video.run });
    const video = await engine.untilSettled(id);
    assert.deepEqual([video.status, stepOf(video, 'playback').state], ['ready', 'succeeded']);
    assert.equal(stepOf(video, 'probe').attempt, 1, 'what was done is kept');
    await assertRendition(video);
  });
});

/** A stand-in for ffmpeg that takes every source for damaged when it is to make a rendition, while a file exists. */
async function breakWhile(dir: string, flag: string): Promise<string> {
  const path = join(dir, 'ffmpeg');
  const refusal = `if [ -e '${flag}' ]; then echo 'Invalid data found' >&2; exit 1; fi`;
  await writeFile(path, `#!/bin/sh\ncase "$*" in *faststart*) ${refusal};; esac\nexec ffmpeg "$@"\n`);
  await chmod(path, 0o755);
  return path;
}
