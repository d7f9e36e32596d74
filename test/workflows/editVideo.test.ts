import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queries } from '../../src/db/index.ts';
import { processVideoId, RECONCILE_ID, SIGNALS } from '../../workflows/contract.ts';
import { editsOf, newEdit } from '../support/edits.ts';
import { type ChildProgram, startTestEngine, type TestEngine } from '../support/engine.ts';
import { scratchJobsIn } from '../support/leftovers.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { findProcesses } from '../support/processes.ts';
import { waitFor } from '../support/stack.ts';

describe('editVideo', () => {
  let engine: TestEngine;
  let edits: ReturnType<typeof editsOf>;
  let encoder: ChildProgram;
  /** Two seconds, and many 4K pictures of which only one is a key frame: nothing of it can be copied. */
  let short: string;
  let heavy: string;
  /** Loses its worker at the beginning; the last test looks what became of it. */
  let bereft: string;

  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine();
    edits = editsOf(engine);
    engine.startWorker();
    encoder = engine.startWorker({ WORKER_QUEUES: 'encode', ENCODE_SLOTS: '1' });
    [short, heavy] = await Promise.all([
      engine.addVideo(await fixture('h264'), { steps: [] }),
      engine.addVideo(await fixture('bigOneKeyframe'), { steps: [] }),
    ]);
    for (const id of [short, heavy]) assert.equal((await engine.untilSettled(id)).status, 'ready');
  });
  after(() => engine?.close());

  const sources = () => readdir(join(engine.config.STORAGE_DIR, 'sources'));
  const stageOf = async (id: string) => (await edits.handle(id).describe()).searchAttributes.VfStage;
  /** The pictures of results are made meanwhile: only what makes results counts. */
  const rendering = async () =>
    (await findProcesses(engine.config.DATA_DIR)).filter(({ commandLine }) =>
      commandLine.includes('/result.mp4'),
    );
  const encoding = () =>
    waitFor(async () => (await rendering()).some(({ commandLine }) => commandLine.includes('libx264')), {
      what: 'an encoding ffmpeg',
      timeoutMs: 30_000,
    });
  const trimHeavy = () => edits.add({ parents: [heavy], startSec: 10, endSec: 25 });

  it('does not hold up new videos while it encodes, and outlives its worker', async function () {
    this.timeout(60_000);
    bereft = await trimHeavy();
    await encoding();
    const queued = await trimHeavy();
    const video = await engine.addVideo(await fixture('h264'), { steps: [] });
    assert.equal((await engine.untilSettled(video, 10_000)).status, 'ready');
    assert.equal((await edits.find(bereft)).status, 'running', 'it was too short a work to tell');
    await edits.cancel(queued);
    assert.equal((await edits.untilEnded(queued, 5000)).status, 'cancelled');
    await encoder.kill('SIGKILL');
    engine.startWorker({ WORKER_QUEUES: 'encode', ENCODE_SLOTS: '1' });
  });

  it('cancels a running ffmpeg within 2 s, and closes only when its files are gone', async function () {
    this.timeout(60_000);
    // The folder of a worker that was killed is swept later.
    const [objects, jobs] = await Promise.all([sources(), scratchJobsIn(engine.config.SCRATCH_DIR)]);
    const id = await trimHeavy();
    await encoding();
    const askedAt = Date.now();
    await edits.cancel(id);
    await assert.rejects(edits.handle(id).result());
    const tookMs = Date.now() - askedAt;
    assert.deepEqual(await rendering(), [], 'it closed before its ffmpeg was gone');
    assert.deepEqual(await scratchJobsIn(engine.config.SCRATCH_DIR), jobs, 'scratch is left');
    assert.ok(tookMs <= 2000, `cancelling took ${tookMs} ms`);
    assert.equal((await edits.find(id)).status, 'cancelled');
    assert.deepEqual(await sources(), objects);
  });

  it('trims by copying what it can, into a video like any other', async () => {
    const parent = await engine.addVideo(await fixture('minute'), { steps: [] });
    const id = await edits.add({ parents: [parent], startSec: 3.5, endSec: 21, title: 'A part' });
    const edit = await edits.untilEnded(id);
    assert.deepEqual(
      [edit.status, edit.method, edit.percent],
      ['succeeded', 'smart', 100],
      `${edit.errorMessage}`,
    );
    assert.ok(Math.abs((edit.usedStartSec ?? 0) - 3.5) < 0.04);
    const video = await engine.find(edit.video?.id ?? '');
    assert.equal(video.status, 'ready');
    assert.equal(video.title, 'A part');
    assert.equal(video.filename, 'test-trim.mp4');
    assert.deepEqual(video.parents, [parent]);
    assert.ok(Math.abs((video.durationSec ?? 0) - 17.5) < 0.1, `${video.durationSec}`);
    assert.equal(video.isProgressive, true);
    assert.equal((await engine.storage.stat(video.sourceKey ?? ''))?.sizeBytes, video.sizeBytes);
    assert.deepEqual(await edits.handle(id).result(), { outcome: 'done' });
    const { searchAttributes, staticSummary } = await edits.handle(id).describe();
    assert.deepEqual([searchAttributes.VfStage, searchAttributes.VfVideo], [['done'], [video.id]]);
    assert.match((await staticSummary()) ?? '', new RegExp(id));
    const settled = await engine.untilSettled(video.id);
    assert.ok(settled.assets.getItems().some(({ kind }) => kind === 'thumbnail'));
  });

  it('merges, the same one twice', async () => {
    const id = await edits.add({ kind: 'merge', parents: [short, short] });
    const edit = await edits.untilEnded(id);
    assert.deepEqual([edit.status, edit.method], ['succeeded', 'copy'], `${edit.errorMessage}`);
    const video = await engine.find(edit.video?.id ?? '');
    assert.ok(Math.abs((video.durationSec ?? 0) - 4) < 0.15, `${video.durationSec}`);
    assert.equal(video.filename, 'test-merged.mp4');
  });

  describe('of a video that is not ready', () => {
    /** A video whose source is away for now. */
    async function addHeld(): Promise<{ id: string; release(): Promise<void> }> {
      const id = await engine.addVideo(await fixture('h264'), { start: false, steps: [] });
      const path = join(engine.config.STORAGE_DIR, 'sources', id);
      await rename(path, `${path}.away`);
      const release = async () => {
        await rename(`${path}.away`, path);
        await engine.client.workflow.getHandle(processVideoId(id, 1)).signal(SIGNALS.retryNow);
      };
      await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: 1 });
      return { id, release };
    }
    const waiting = (id: string) =>
      waitFor(async () => (await stageOf(id))?.[0] === 'waiting', { what: 'an edit that waits' });

    it('waits for it, also for days, with no more in its history and nothing in the log', async function () {
      this.timeout(40_000);
      const held = await addHeld();
      const id = await edits.add({ parents: [held.id] });
      await waiting(id);
      const events = async () => (await edits.handle(id).fetchHistory()).events?.length;
      const before = await waitFor(async () => ((await events()) ?? 0) >= 10 && events(), {
        what: 'the wait',
      });
      const looks = async () => {
        const { raw } = await edits.handle(id).describe();
        return raw.pendingActivities?.[0]?.attempt ?? 0;
      };
      await waitFor(async () => (await looks()) >= 3, { what: 'the third look' });
      assert.equal(await events(), before);
      assert.equal((await edits.find(id)).status, 'queued');
      await held.release();
      const edit = await edits.untilEnded(id, 30_000);
      assert.equal(edit.status, 'succeeded', `${edit.errorMessage}`);
      const told = (await engine.workerLog()).filter(({ editId }) => editId === id);
      assert.deepEqual(
        told.map(({ level, msg }) => `${level} ${msg}`),
        [],
      );
    });

    it('fails when it is deleted or cannot be processed, or is shorter than was thought', async function () {
      this.timeout(40_000);
      const held = await addHeld();
      const garbage = await engine.addVideo(await fixture('garbage'), { start: false });
      const deleted = await edits.add({ parents: [short, held.id], kind: 'merge' });
      const [failed, beyond] = await Promise.all([
        edits.add({ parents: [garbage] }),
        edits.add({ parents: [short], endSec: 2.5 }),
      ]);
      await engine.flows.startProcessing({ videoId: garbage, userId: engine.userId, run: 1 });
      await waiting(deleted);
      await engine.db.videos.requestDelete(engine.userId, held.id);
      const ends = await Promise.all([deleted, failed, beyond].map((id) => edits.untilEnded(id, 20_000)));
      assert.deepEqual(
        ends.map(({ status, errorCode, errorRetryable }) => [status, errorCode, errorRetryable]),
        [
          ['failed', 'video_not_usable', false],
          ['failed', 'video_not_usable', false],
          ['failed', 'invalid_range', false],
        ],
      );
      await assert.rejects(edits.handle(beyond).result());
      assert.deepEqual(await stageOf(beyond), ['failed']);
    });

    it('is cancelled at once while it waits, by its owner or an operator, and goes on after a retry', async function () {
      this.timeout(40_000);
      const held = await addHeld();
      const [own, signalled, terminated] = await Promise.all(
        [1, 2, 3].map(() => edits.add({ parents: [held.id] })),
      );
      for (const id of [own, signalled, terminated]) await waiting(id ?? '');
      const askedAt = Date.now();
      await edits.cancel(own ?? '');
      await edits.handle(signalled ?? '').signal(SIGNALS.cancel);
      for (const id of [own, signalled])
        assert.equal((await edits.untilEnded(id ?? '', 5000)).status, 'cancelled');
      assert.ok(Date.now() - askedAt <= 2000, `cancelling took ${Date.now() - askedAt} ms`);
      assert.deepEqual(await edits.handle(signalled ?? '').result(), { outcome: 'cancelled' });
      await edits.handle(terminated ?? '').terminate('a test');
      const ended = await edits.untilEnded(terminated ?? '', 15_000);
      assert.deepEqual([ended.status, ended.errorCode], ['failed', 'ended_by_operator']);
      await held.release();
      await engine.untilSettled(held.id);
      await edits.retry(terminated ?? '');
      assert.equal((await edits.untilEnded(terminated ?? '')).status, 'succeeded');
    });
  });

  it('is started when the engine was not told, and goes on when the engine has lost it', async function () {
    this.timeout(60_000);
    const { db, userId } = engine;
    /** As rows are whose run the engine once had. */
    const addLost = (more: (queries: Queries, editId: string) => Promise<unknown>) =>
      db.transaction(async (queries) => {
        const { id } = await queries.edits.insert(newEdit({ parents: [short] }, userId));
        await queries.editRecords.beginRun({ editId: id, run: 1 });
        await more(queries, id);
        return id;
      });
    const untold = await edits.add({ parents: [short], start: false });
    const queued = await addLost(async () => {});
    const atWork = await addLost(({ editRecords }, editId) =>
      editRecords.beginAttempt({ editId, run: 1 }, { maxDurationSec: 3600 }),
    );
    const stopping = await addLost((queries, editId) => queries.edits.requestCancel(userId, editId));
    // One that begins anew compares everything.
    await engine.client.workflow.getHandle(RECONCILE_ID).terminate('a test');
    await engine.flows.ensureReconcile();
    const ends = await Promise.all([untold, queued, atWork, stopping].map((id) => edits.untilEnded(id)));
    assert.deepEqual(
      ends.map(({ status, run }) => `${status} ${run}`),
      ['succeeded 1', 'succeeded 2', 'succeeded 2', 'cancelled 1'],
    );
  });

  it('has begun again by itself what its worker lost', async function () {
    this.timeout(125_000);
    const edit = await edits.untilEnded(bereft, 120_000);
    assert.deepEqual(
      [edit.status, edit.method, edit.run],
      ['succeeded', 'encode', 1],
      `${edit.errorMessage}`,
    );
    assert.ok(edit.attempt >= 3, 'copying, encoding, encoding again');
  });
});
