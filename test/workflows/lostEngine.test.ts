import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Video } from '../../src/db/entities/video.ts';
import { isDoneStep, isFinalStep } from '../../src/domain/video.ts';
import { editsOf } from '../support/edits.ts';
import { prepareTestNamespace, startTestEngine, type TestEngine } from '../support/engine.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';
import { startTemporalServer, type TemporalServer } from '../support/temporalServer.ts';

const states = (video: Video) => video.steps.getItems().map((step) => `${step.name} ${step.state}`);

describe('when the engine loses everything', () => {
  let server: TemporalServer;
  let engine: TestEngine;

  const sourceOf = (id: string) => join(engine.config.STORAGE_DIR, 'sources', id);

  before(async function () {
    this.timeout(120_000);
    server = await startTemporalServer();
    engine = await startTestEngine({ TEMPORAL_ADDRESS: server.address, MEDIA_SLOTS: '2' });
  });
  after(async () => {
    await engine?.close();
    await server?.close();
  });

  it('brings 20 videos in every state to a true end', async function () {
    this.timeout(240_000);
    const good = await fixture('h264');
    const slow = await fixture('bigProgressive');
    const garbage = await fixture('garbage');
    engine.startWorker();
    const many = (count: number, make: () => Promise<string>) =>
      Promise.all(Array.from({ length: count }, make));

    const ready = await many(3, () => engine.addVideo(good));
    const failed = await many(2, () => engine.addVideo(garbage));
    const cancelled = await many(2, async () => {
      const id = await engine.addVideo(good, { start: false });
      await engine.db.videos.requestCancel(engine.userId, id);
      return id;
    });
    for (const id of [...ready, ...failed, ...cancelled]) await engine.untilSettled(id);

    // A step that waits for the storage: its source is away for now.
    const waiting = await many(2, async () => {
      const id = await engine.addVideo(good, { start: false });
      await rename(sourceOf(id), `${sourceOf(id)}.away`);
      await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: 1 });
      await waitFor(async () => states(await engine.find(id)).includes('source waiting_retry'), {
        what: 'a step that waits',
      });
      return id;
    });

    const [waitedFor = ''] = waiting;
    const edits = editsOf(engine);
    const waitingEdit = await edits.add({ parents: [waitedFor] });
    await edits.until(waitingEdit, ({ startedRun }) => startedRun === 1, 'begun');

    const working = await many(4, () => engine.addVideo(slow));
    await waitFor(
      async () =>
        (await Promise.all(working.map((id) => engine.find(id)))).some((video) =>
          states(video).includes('storyboard running'),
        ),
      { what: 'a storyboard at work', timeoutMs: 30_000 },
    );
    const queued = await many(4, () => engine.addVideo(good));
    const [stopping, removing] = [working[2] ?? '', working[3] ?? ''];
    await server.kill();

    const accepted = await many(3, () => engine.addVideo(good, { start: false }));
    const acceptedEdit = await edits.add({ parents: ready.slice(0, 1), start: false });
    await engine.db.videos.requestCancel(engine.userId, stopping);
    await engine.db.videos.requestDelete(engine.userId, removing);
    const deletedReady = ready[2] ?? '';
    await engine.db.videos.requestDelete(engine.userId, deletedReady);
    const retried = failed[1] ?? '';
    assert.equal((await engine.db.videos.requestRetry(engine.userId, retried)).outcome, 'accepted');
    const retriedCancelled = cancelled[1] ?? '';
    await engine.db.videos.requestRetry(engine.userId, retriedCancelled);

    for (const id of waiting) await rename(`${sourceOf(id)}.away`, sourceOf(id));
    await server.deleteDatabase();
    await server.start();
    await prepareTestNamespace(engine.config);

    for (const id of [
      ...ready.slice(0, 2),
      ...working.slice(0, 2),
      ...queued,
      ...accepted,
      ...waiting,
      retriedCancelled,
    ]) {
      const video = await engine.untilSettled(id, 120_000);
      assert.equal(video.status, 'ready', states(video).join(', '));
      assert.ok(
        video.steps.getItems().every((step) => isDoneStep(step.state)),
        states(video).join(', '),
      );
    }
    for (const id of [waitingEdit, acceptedEdit])
      assert.equal((await edits.untilEnded(id, 60_000)).status, 'succeeded');
    for (const id of failed) assert.equal((await engine.untilSettled(id)).errorCode, 'unsupported_media');
    assert.equal((await engine.untilSettled(cancelled[0] ?? '')).status, 'cancelled');
    const stopped = await engine.untilSettled(stopping, 60_000);
    assert.ok(['cancelled', 'ready'].includes(stopped.status));
    assert.ok(stopped.steps.getItems().every((step) => isFinalStep(step.state)));
    for (const id of [removing, deletedReady]) {
      await waitFor(async () => (await engine.storage.stat(`sources/${id}`)) === null, {
        what: 'the files of a deleted video to go',
        timeoutMs: 120_000,
      });
    }
    await waitFor(async () => (await engine.db.reconciliation.listToRemove()).length === 0, {
      what: 'the rows of deleted videos to go',
    });
  });
});
