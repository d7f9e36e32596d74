import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openOrm } from '../../src/db/orm.ts';
import { isDoneStep, type StepName } from '../../src/domain/video.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { toolsAtWorkIn } from '../support/leftovers.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const HEARTBEAT_TIMEOUT_MS = 30_000;

describe('trouble outside of a video', () => {
  let engine: TestEngine;
  /** Begun first and looked at last: that a dead worker is silent is only noticed after half a minute, three times. */
  let threeDeaths: Promise<ThreeDeaths>;
  let dyingEngine: TestEngine;

  before(async function () {
    this.timeout(60_000);
    dyingEngine = await startTestEngine();
    threeDeaths = dieThreeTimes(dyingEngine);
    // Heard of where it is waited for.
    threeDeaths.catch(() => {});
  });
  after(() => dyingEngine?.close());
  beforeEach(async function () {
    this.timeout(60_000);
    engine = await startTestEngine();
  });
  afterEach(() => engine?.close());

  const stepOf = async (videoId: string, name: StepName) => {
    const step = (await engine.find(videoId)).steps.getItems().find((candidate) => candidate.name === name);
    if (!step) throw new Error(`no step ${name}`);
    return step;
  };

  it('waits while the scratch disk is full, and goes on when there is room again', async function () {
    this.timeout(120_000);
    const scratch = join(engine.config.DATA_DIR, 'small');
    await mkdir(scratch);
    const isMounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', scratch]).then(
      () => true,
      () => false,
    );
    // Only root may mount a small disk; elsewhere the suite says that this was left out.
    if (!isMounted) return this.skip();
    try {
      await writeFile(join(scratch, 'ballast'), Buffer.alloc(56 * 1024));
      engine.startWorker({ SCRATCH_DIR: scratch });
      const id = await engine.addVideo(await fixture('minute'));
      const waiting = await waitFor(
        async () => {
          const step = await stepOf(id, 'storyboard');
          return step.state === 'waiting_retry' ? step : null;
        },
        { what: 'the storyboard to wait for room', timeoutMs: 60_000 },
      );
      assert.equal(waiting.errorCode, 'storage_full');
      assert.equal(waiting.errorRetryable, true);
      await run('mount', ['-o', `remount,size=${64 * MIB}`, scratch]);
      const video = await engine.untilSettled(id);
      assert.ok(video.steps.getItems().every((step) => isDoneStep(step.state)));
      assert.equal((await stepOf(id, 'storyboard')).errorCode, null);
    } finally {
      await engine.stopWorkers('SIGKILL');
      await run('umount', [scratch]);
      await rm(scratch, { recursive: true, force: true });
    }
  });

  it('takes up no media work without a usable ffmpeg, and says so; other work needs none', async function () {
    this.timeout(60_000);
    const FFMPEG_PATH = join(engine.config.DATA_DIR, 'nowhere');
    const refused = engine.startWorker({ FFMPEG_PATH });
    await waitFor(() => !refused.isAlive(), { what: 'the worker to end', timeoutMs: 30_000 });
    const said = (await engine.workerLog()).find(({ msg }) => msg === 'the worker ended');
    assert.match(JSON.stringify(said), /ffmpeg was not found on this worker: install ffmpeg/);
    engine.startWorker({ FFMPEG_PATH, WORKER_QUEUES: 'workflows,net' });
    await waitFor(async () => (await engine.workerLog()).some(({ msg }) => msg === 'working'), {
      what: 'a worker without media queues',
      timeoutMs: 30_000,
    });
  });

  it('waits for a database that is busy, and does not take it for a crash', async function () {
    this.timeout(120_000);
    const id = await engine.addVideo(await fixture('h264'), { start: false });
    const orm = await openOrm({ databaseUrl: engine.config.DATABASE_URL, poolMax: 1, isPatient: true });
    try {
      await orm.em.fork().transactional(async (em) => {
        await em.execute('select id from videos where id = ? for update', [id]);
        await engine.flows.startProcessing({ videoId: id, userId: engine.userId, run: 1 });
        engine.startWorker();
        await waitFor(
          async () => {
            const log = await engine.workerLog().catch(() => []);
            return log.some((line) => line.code === 'database_unavailable');
          },
          { what: 'the worker to meet the lock', timeoutMs: 60_000 },
        );
      });
    } finally {
      await orm.close();
    }
    assert.equal((await engine.untilSettled(id)).status, 'ready');
  });

  it('gives work back when its worker is asked to stop, and another one goes on at once', async function () {
    this.timeout(120_000);
    const worker = engine.startWorker({ SHUTDOWN_GRACE_SEC: '1' });
    const id = await engine.addVideo(await fixture('bigProgressive'), { steps: ['storyboard'] });
    await waitFor(async () => (await stepOf(id, 'storyboard')).state === 'running', {
      what: 'a storyboard at work',
      timeoutMs: 30_000,
    });
    await worker.kill('SIGTERM');
    assert.deepEqual(await toolsAtWorkIn(engine.config.DATA_DIR), []);
    const stoppedAt = Date.now();
    engine.startWorker();
    await waitFor(async () => (await stepOf(id, 'storyboard')).attempt === 2, {
      what: 'a second attempt',
      timeoutMs: 25_000,
    });
    // Sooner than the silence after which a worker counts as dead.
    assert.ok(Date.now() - stoppedAt < HEARTBEAT_TIMEOUT_MS);
    assert.equal((await engine.untilSettled(id)).status, 'ready');
  });

  it('gives up a file under which the worker died three times', async function () {
    this.timeout(240_000);
    const { engine: other, id } = await threeDeaths;
    const video = await other.untilSettled(id, 60_000);
    assert.equal(video.status, 'failed');
    assert.equal(video.errorCode, 'processing_crashed');
    assert.equal(video.steps.getItems().find(({ name }) => name === 'probe')?.attempt, 3);
    const retry = await other.db.videos.requestRetry(other.userId, id);
    assert.ok(retry.outcome === 'accepted');
    await other.flows.startProcessing({ videoId: id, userId: other.userId, run: retry.video.run });
    assert.equal((await other.untilSettled(id)).status, 'ready');
  });
});

interface ThreeDeaths {
  engine: TestEngine;
  /** The video over which the worker died. */
  id: string;
}

async function dieThreeTimes(engine: TestEngine): Promise<ThreeDeaths> {
  const killer = join(engine.config.DATA_DIR, 'ffprobe');
  // The tools are started directly by the worker, so the parent is the worker; what it tries them out on passes.
  await writeFile(killer, '#!/bin/sh\ncase "$*" in *sources/*) kill -9 $PPID;; esac\nexec ffprobe "$@"\n');
  await chmod(killer, 0o755);
  const id = await engine.addVideo(await fixture('h264'));
  for (let death = 1; death <= 3; death++) {
    const worker = engine.startWorker({ FFPROBE_PATH: killer });
    await waitFor(() => !worker.isAlive(), { what: `death ${death} of the worker`, timeoutMs: 90_000 });
  }
  engine.startWorker();
  return { engine, id };
}
