import assert from 'node:assert/strict';
import { access, chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Video } from '../../src/db/entities/video.ts';
import { processVideoId, SIGNALS } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { historyText } from '../support/historyText.ts';
import { scratchJobsIn, toolsAtWorkIn } from '../support/leftovers.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';

const stepsOf = (video: Video) => Object.fromEntries(video.steps.getItems().map((step) => [step.name, step]));

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const CANCELS = 10;

describe('processVideo', () => {
  let engine: TestEngine;

  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine();
    engine.startWorker();
  });
  after(() => engine?.close());

  const handleOf = (videoId: string, run = 1) =>
    engine.client.workflow.getHandle(processVideoId(videoId, run));

  it('takes a video to ready, with its facts, pictures and words for operators', async () => {
    const id = await engine.addVideo(await fixture('h264'));
    const video = await engine.untilSettled(id);
    assert.equal(video.status, 'ready');
    assert.equal(video.videoCodec, 'h264');
    assert.equal(video.hasAudio, true);
    assert.ok(Math.abs((video.durationSec ?? 0) - 2) < 0.1);
    assert.deepEqual(
      video.assets
        .getItems()
        .map((asset) => asset.kind)
        .sort(),
      ['audio', 'playback', 'storyboard_image', 'storyboard_index', 'thumbnail'],
    );
    const { transcript } = stepsOf(video);
    assert.deepEqual([transcript?.state, transcript?.errorCode], ['skipped', 'no_transcriber']);
    for (const asset of video.assets) {
      assert.equal((await engine.storage.stat(asset.key))?.sizeBytes, asset.sizeBytes);
    }
    await handleOf(id).result();
    const description = await handleOf(id).describe();
    assert.match((await description.staticSummary()) ?? '', new RegExp(id));
    assert.deepEqual(description.searchAttributes.VfVideo, [id]);
    assert.deepEqual(description.searchAttributes.VfStage, ['done']);
  });

  it('fails a file that is not a video at once, with a code and a sentence', async () => {
    const id = await engine.addVideo(await fixture('garbage'));
    const video = await engine.untilSettled(id);
    assert.equal(video.status, 'failed');
    assert.equal(video.errorCode, 'unsupported_media');
    assert.match(video.errorMessage ?? '', /\w+ \w+/);
    const steps = stepsOf(video);
    assert.equal(steps.probe?.attempt, 1);
    assert.equal(steps.thumbnail?.state, 'cancelled');
    await assert.rejects(handleOf(id).result());
    assert.equal((await handleOf(id).describe()).status.name, 'FAILED');
  });

  it('cancels a running ffmpeg within 2 s, and closes only when its files are gone', async function () {
    this.timeout(180_000);
    for (let round = 0; round < CANCELS; round++) {
      const id = await engine.addVideo(await fixture('bigProgressive'), { steps: ['storyboard'] });
      // Not the rehearsal of a worker that starts, and not the probe.
      const isAtWork = async () => stepsOf(await engine.find(id)).storyboard?.state === 'running';
      const findTool = async () => (await isAtWork()) && (await toolsAtWorkIn(engine.config.DATA_DIR))[0];
      const pid = await waitFor(findTool, { what: 'an ffmpeg', timeoutMs: 20_000 });
      const askedAt = Date.now();
      await engine.db.videos.requestCancel(engine.userId, id);
      await engine.flows.cancelProcessing(id, [1]);
      await assert.rejects(handleOf(id).result());
      const tookMs = Date.now() - askedAt;
      assert.ok(!(await exists(`/proc/${pid}`)), 'the workflow closed before its ffmpeg was gone');
      assert.deepEqual(await scratchJobsIn(engine.config.SCRATCH_DIR), [], 'scratch is left');
      assert.ok(tookMs <= 2000, `cancelling took ${tookMs} ms`);
      const video = await engine.untilSettled(id);
      assert.equal(stepsOf(video).storyboard?.state, 'cancelled');
      // The probe was done: a cancel of later steps leaves the video ready.
      assert.equal(video.status, 'ready');
    }
  });

  it('takes cancel as a signal from the Web UI', async () => {
    const id = await engine.addVideo(await fixture('bigProgressive'), { steps: ['storyboard'] });
    await waitFor(async () => stepsOf(await engine.find(id)).storyboard?.state === 'running', {
      what: 'work',
    });
    await handleOf(id).signal(SIGNALS.cancel);
    assert.deepEqual(await handleOf(id).result(), { outcome: 'cancelled' });
    assert.equal(stepsOf(await engine.untilSettled(id)).storyboard?.state, 'cancelled');
  });

  it('is cancelled before it began, and begins again as the next run', async () => {
    const id = await engine.addVideo(await fixture('faststart'), { start: false });
    const cancel = await engine.db.videos.requestCancel(engine.userId, id);
    assert.equal(cancel.outcome, 'accepted');
    await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: 1 });
    assert.equal((await engine.untilSettled(id)).status, 'cancelled');
    const retry = await engine.db.videos.requestRetry(engine.userId, id);
    assert.ok(retry.outcome === 'accepted' && retry.video.run === 2);
    await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: 2 });
    assert.equal((await engine.untilSettled(id)).status, 'ready');
  });

  it('settles the row when an operator terminates the run, and does the rest after a Reset', async () => {
    const id = await engine.addVideo(await fixture('bigProgressive'), { steps: ['storyboard'] });
    await waitFor(async () => stepsOf(await engine.find(id)).storyboard?.state === 'running', {
      what: 'work',
    });
    await handleOf(id).terminate('a test');
    engine.startWorker(); // its reconciler settles the row
    const ended = await engine.untilSettled(id);
    assert.equal(stepsOf(ended).storyboard?.errorCode, 'ended_by_operator');
    assert.equal(ended.status, 'ready');
    const probedAttempt = stepsOf(ended).probe?.attempt;
    await reset(engine, id);
    await waitFor(async () => stepsOf(await engine.find(id)).storyboard?.state === 'running', {
      what: 'the reset run',
    });
    assert.equal(stepsOf(await engine.find(id)).probe?.attempt, probedAttempt, 'a done step was repeated');
    await handleOf(id).cancel();
    await engine.untilSettled(id);
  });

  it('removes a video with its files at any moment', async () => {
    const moments = ['at once', 'at work', 'when ready'] as const;
    for (const moment of moments) {
      const id = await engine.addVideo(await fixture('minute'));
      if (moment === 'at work') {
        await waitFor(async () => (await engine.find(id)).status !== 'pending', { what: 'work' });
      }
      if (moment === 'when ready') await engine.untilSettled(id);
      assert.ok(await engine.db.videos.requestDelete(engine.userId, id));
      assert.equal(await engine.db.videos.find(engine.userId, id), null);
      await engine.flows.startRemoval(id, engine.userId);
      await engine.client.workflow.getHandle(`video/${id}/remove`).result();
      assert.equal(await engine.storage.stat(`sources/${id}`), null);
      const left = await readdir(join(engine.config.STORAGE_DIR, 'assets', id)).catch(() => []);
      assert.deepEqual(left, []);
      assert.equal(await engine.db.reconciliation.countUnfinishedSteps(id), 0);
    }
  });

  it('starts what was accepted but never started', async () => {
    const id = await engine.addVideo(await fixture('faststart'), { start: false });
    assert.equal((await engine.untilSettled(id)).status, 'ready');
  });

  it('has put no path, stack trace or raw output into any of these histories', async () => {
    let read = 0;
    for await (const { workflowId, runId } of engine.client.workflow.list()) {
      const text = await historyText(engine.client, workflowId, runId);
      read += 1;
      for (const secret of [
        engine.config.DATA_DIR,
        'sources/',
        'assets/',
        '/src/',
        'node_modules',
        '.ts:',
        'moov',
      ]) {
        assert.ok(!text.includes(secret), `the history of ${workflowId} holds ${secret}`);
      }
    }
    assert.ok(read >= 10, `only ${read} histories were read`);
  });
});

describe('processVideo when a tool fails', () => {
  let engine: TestEngine;
  let failures: string;

  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine();
    failures = join(engine.config.DATA_DIR, 'fail');
    const ffprobe = await failWhile(engine.config.DATA_DIR, failures, 'ffprobe');
    engine.startWorker({ FFPROBE_PATH: ffprobe });
  });
  after(() => engine?.close());

  it('shows that it waits to retry, is hurried by retryNow, and then goes on', async () => {
    await writeFile(failures, '');
    const id = await engine.addVideo(await fixture('faststart'));
    const waiting = await waitFor(
      async () => {
        const probe = stepsOf(await engine.find(id)).probe;
        return probe?.state === 'waiting_retry' && probe.attempt >= 3 ? probe : null;
      },
      { what: 'the probe to wait for its next attempt', timeoutMs: 30_000 },
    );
    assert.equal(waiting.errorRetryable, true);
    assert.ok(waiting.nextAttemptAt instanceof Date);
    assert.equal((await engine.find(id)).status, 'processing');
    await rm(failures);
    await engine.client.workflow.getHandle(processVideoId(id, 1)).signal(SIGNALS.retryNow);
    const video = await engine.untilSettled(id);
    assert.equal(video.status, 'ready');
    assert.ok((stepsOf(video).probe?.attempt ?? 0) >= 4);
  });

  it('gives up after five attempts with a retryable error, and a retry goes on from there', async function () {
    this.timeout(90_000);
    await writeFile(failures, '');
    const id = await engine.addVideo(await fixture('faststart'));
    const hurry = setInterval(() => {
      engine.client.workflow
        .getHandle(processVideoId(id, 1))
        .signal(SIGNALS.retryNow)
        .catch(() => undefined);
    }, 200);
    const failed = await engine.untilSettled(id).finally(() => clearInterval(hurry));
    assert.equal(failed.status, 'failed');
    assert.equal(failed.errorRetryable, true);
    assert.equal(stepsOf(failed).probe?.attempt, 5);
    await rm(failures);
    const retry = await engine.db.videos.requestRetry(engine.userId, id);
    assert.ok(retry.outcome === 'accepted');
    await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: retry.video.run });
    const video = await engine.untilSettled(id);
    assert.equal(video.status, 'ready');
    assert.equal(stepsOf(video).source?.attempt, 1, 'what was done is kept');
  });
});

/** A stand-in for a tool that fails on uploads as long as a file exists, and else is the tool. */
async function failWhile(dir: string, flag: string, tool: string): Promise<string> {
  const path = join(dir, tool);
  const failing = `if [ -e '${flag}' ]; then echo 'Resource temporarily unavailable' >&2; exit 1; fi`;
  await writeFile(path, `#!/bin/sh\ncase "$*" in *sources/*) ${failing};; esac\nexec ${tool} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

/** What the Web UI's Reset does: goes back to the first workflow task that completed. */
async function reset(engine: TestEngine, videoId: string): Promise<void> {
  const handle = engine.client.workflow.getHandle(processVideoId(videoId, 1));
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const first = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  await engine.client.workflowService.resetWorkflowExecution({
    namespace: engine.config.TEMPORAL_NAMESPACE,
    workflowExecution: { workflowId: handle.workflowId, runId },
    reason: 'a test',
    requestId: runId,
    workflowTaskFinishEventId: first?.eventId ?? null,
  });
}
