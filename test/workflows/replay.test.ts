import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { newId } from '../../src/db/ids.ts';
import { type Picture, pictureVariant } from '../../src/domain/picture.ts';
import {
  type HousekeepInput,
  housekeepId,
  processVideoId,
  RECONCILE_ID,
  receiveUploadId,
  removeVideoId,
  renderPictureId,
  SIGNALS,
} from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { installQuietRuntime } from '../support/quietRuntime.ts';
import { recordCaptions } from '../support/recordCaptions.ts';
import { recordChecks } from '../support/recordChecks.ts';
import { recordEdits } from '../support/recordEdits.ts';
import { recordNotices } from '../support/recordNotices.ts';
import { recordSound } from '../support/recordSound.ts';
import { recordTranscripts } from '../support/recordTranscripts.ts';
import { recordWebhooks } from '../support/recordWebhooks.ts';
import { serveFile, startSource } from '../support/sources.ts';
import { waitFor } from '../support/stack.ts';
import { createUploadMaker, type StoredUpload } from '../support/storedUpload.ts';
import { DAY_MS, openStoredWorld } from '../support/storedWorld.ts';

const MIB = 1024 * 1024;

const HISTORIES = fileURLToPath(new URL('./histories', import.meta.url));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * With RECORD_HISTORIES=1 the folder is filled anew from real runs; do that when a release is made. With
 * RECORD_HISTORIES=editVideo only those of edits are, and the others stay; so it is with the other names below.
 */
const recorded = process.env.RECORD_HISTORIES;
const RECORDERS: Record<string, typeof recordEdits> = {
  editVideo: recordEdits,
  writeCaption: recordCaptions,
  transcript: recordTranscripts,
  renderAudio: recordSound,
  sendNotices: recordNotices,
  deliverWebhook: recordWebhooks,
  checkAccount: recordChecks,
};

describe('replay of stored histories', () => {
  before(async function () {
    if (!recorded) return;
    this.timeout(300_000);
    const engine = await startTestEngine({
      RECONCILE_INTERVAL_SEC: '10',
      EGRESS_ALLOW_CIDRS: '127.0.0.1/32',
      WORKER_QUEUES: 'workflows,media,encode,net,speech',
    });
    try {
      const recordSome = RECORDERS[recorded];
      if (recordSome) await recordSome(engine, saverOf(engine));
      else await record(engine);
    } finally {
      await engine.close();
    }
  });

  it('finds that today’s workflows still decide as they did', async function () {
    this.timeout(60_000);
    installQuietRuntime();
    const files = (await readdir(HISTORIES)).filter((name) => name.endsWith('.json'));
    assert.ok(files.length >= 34, 'there are histories to replay');
    const histories = await Promise.all(
      files.map(async (name) => ({
        workflowId: name.replace('.json', ''),
        history: JSON.parse(await readFile(join(HISTORIES, name), 'utf8')),
      })),
    );
    const options = {
      workflowsPath: here('../../workflows/index.ts'),
      dataConverter: { failureConverterPath: here('../../workflows/failureConverter.ts') },
    };
    for await (const result of Worker.runReplayHistories(options, histories)) {
      assert.equal(result.error, undefined, `${result.workflowId}: ${result.error?.message}`);
    }
  });
});

const saverOf = (engine: TestEngine) => async (name: string, workflowId: string) => {
  const history = await engine.client.workflow.getHandle(workflowId).fetchHistory();
  await writeFile(join(HISTORIES, `${name}.json`), `${JSON.stringify(JSON.parse(historyToJSON(history)))}\n`);
};

async function record(engine: TestEngine): Promise<void> {
  await rm(HISTORIES, { recursive: true, force: true });
  await mkdir(HISTORIES, { recursive: true });
  const save = saverOf(engine);
  engine.startWorker();
  const run = async (name: string, file: string, act?: (id: string) => Promise<unknown>) => {
    const id = await engine.addVideo(file);
    await act?.(id);
    await engine.untilSettled(id);
    const handle = engine.client.workflow.getHandle(processVideoId(id, 1));
    await handle.result().catch(() => undefined);
    await save(name, processVideoId(id, 1));
    return id;
  };
  const working = (id: string) =>
    waitFor(
      async () =>
        (await engine.find(id)).steps
          .getItems()
          .some((step) => step.name === 'storyboard' && step.state === 'running'),
      { what: 'a storyboard at work', timeoutMs: 30_000 },
    );
  const ready = await run('processVideo-ready', await fixture('h264'));
  await run('processVideo-failed', await fixture('garbage'));
  await run('processVideo-cancelled', await fixture('bigOneKeyframe'), async (id) => {
    await working(id);
    await engine.db.videos.requestCancel(engine.userId, id);
    await engine.flows.cancelProcessing(id, [1]);
  });
  await run('processVideo-cancelSignal', await fixture('bigOneKeyframe'), async (id) => {
    await working(id);
    await engine.client.workflow.getHandle(processVideoId(id, 1)).signal(SIGNALS.cancel);
  });
  await run('processVideo-workerLost', await fixture('bigOneKeyframe'), async (id) => {
    await working(id);
    await engine.stopWorkers('SIGKILL');
    engine.startWorker();
  });
  await run('processVideo-copied', await fixture('transportStream'));
  await run('processVideo-handedBack', await fixture('noisyBroadcast'));
  await save('processVideo-fetched', await recordFetched(engine));
  await save('renderPicture-done', await recordPicture(engine, ready));
  await engine.db.videos.requestDelete(engine.userId, ready);
  await engine.flows.startRemoval(ready, engine.userId);
  await engine.client.workflow.getHandle(removeVideoId(ready)).result();
  await save('removeVideo', removeVideoId(ready));
  await recordHousekeeping(engine, save);
  await recordUploads(engine, save);
  await engine.stopWorkers('SIGTERM');
  await recordEdits(engine, save);
  await engine.stopWorkers('SIGTERM');
  await recordSound(engine, save);
  // One that knows no language model must not be asked for captions.
  await engine.stopWorkers('SIGTERM');
  await recordCaptions(engine, save);
  await engine.stopWorkers('SIGTERM');
  await recordNotices(engine, save);
  // One that knows no transcriber must not be asked for words.
  await engine.stopWorkers('SIGTERM');
  await recordTranscripts(engine, save);
  await engine.stopWorkers('SIGTERM');
  await recordWebhooks(engine, save);
  await engine.stopWorkers('SIGTERM');
  await recordChecks(engine, save);
  // An open run's history is replayable as long as it ends with a completed workflow task.
  await engine.stopWorkers('SIGTERM');
  await save('reconcile', RECONCILE_ID);
}

/** Has a picture of a ready video made. @returns the workflow's id */
async function recordPicture({ flows, userId }: TestEngine, videoId: string): Promise<string> {
  const picture: Picture = { timeSec: 1, width: 160, height: 120, format: 'webp' };
  const { state } = await flows.makePicture({ ...picture, videoId, userId, isUrgent: true });
  assert.equal(state, 'done');
  return renderPictureId(videoId, pictureVariant(picture));
}

/** Has a video fetched from a source that is overloaded at first. @returns the workflow's id */
async function recordFetched(engine: TestEngine): Promise<string> {
  const bytes = await readFile(await fixture('h264'));
  const source = await startSource((request, response, count) =>
    count === 1
      ? response.writeHead(503, { 'Retry-After': '2' }).end()
      : serveFile(bytes)(request, response, count),
  );
  try {
    const video = await engine.db.transaction(({ videos }) =>
      videos.insertFetched({
        ...{ userId: engine.userId, userLabel: null, externalId: null, title: 'A test', description: null },
        ...{ tags: [], filename: null, sealSourceUrl: () => source.url, optionalSteps: ['thumbnail'] },
      }),
    );
    await engine.flows.startProcessing({ videoId: video.id, userId: engine.userId, run: 1 });
    await engine.untilSettled(video.id);
    await engine.client.workflow.getHandle(processVideoId(video.id, 1)).result();
    return processVideoId(video.id, 1);
  } finally {
    await source.close();
  }
}

/** Each way through a housekeeping. */
async function recordHousekeeping(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const { DATABASE_URL: databaseUrl, STORAGE_DIR: storageDir } = engine.config;
  const world = await openStoredWorld({ databaseUrl, storageDir });
  const run = async (name: string, input: HousekeepInput) => {
    const id = newId();
    await engine.flows.startHousekeeping(id, input);
    await engine.client.workflow.getHandle(housekeepId(id)).result();
    await save(`housekeep-${name}`, housekeepId(id));
  };
  await world.makeOrphans(101, { seenAgoMs: DAY_MS });
  await run('dryRun', { dryRun: true });
  await run('stopped', {});
  await run('forced', { force: true });
  await world.makeFinished(10);
  await world.makeOrphans(2, { seenAgoMs: DAY_MS });
  await run('removed', {});
  await world.close();
}

/** Each end that an upload may come to, and each way there that makes its workflow decide otherwise. */
async function recordUploads(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const { config, db, storage, userId } = engine;
  const maker = await createUploadMaker({ db, databaseUrl: config.DATABASE_URL, storage });
  const tell = (upload: StoredUpload) => engine.flows.receiveUpload({ ...upload, userId });
  const until = (upload: StoredUpload, column: 'startedAt' | 'errorCode') =>
    waitFor(async () => (await maker.read(upload.uploadId))?.[column], { what: column, timeoutMs: 60_000 });
  const run = async (name: string, kind: object, act: (upload: StoredUpload) => Promise<unknown>) => {
    const upload = await maker.make({ userId, steps: [], ...kind });
    await act(upload);
    await engine.client.workflow.getHandle(receiveUploadId(upload.uploadId)).result();
    await save(`receiveUpload-${name}`, receiveUploadId(upload.uploadId));
  };
  const signal = ({ uploadId }: StoredUpload, name: string) =>
    engine.client.workflow.getHandle(receiveUploadId(uploadId)).signal(name);
  const open = { isComplete: false };
  await run('accepted', open, async (upload) => {
    await tell(upload);
    await until(upload, 'startedAt');
    await maker.execute(
      `update uploads set state = 'complete', completed_at = now(), length_bytes = offset_bytes where id = ?`,
      [upload.uploadId],
    );
    await tell(upload);
  });
  await run('expired', { ...open, expiresInSec: 3 }, tell);
  await run('cancelSignal', open, async (upload) => {
    await tell(upload);
    await until(upload, 'startedAt');
    await signal(upload, SIGNALS.cancel);
  });
  await run('waited', {}, async (upload) => {
    const folder = join(config.STORAGE_DIR, 'uploads', upload.uploadId);
    await rename(folder, `${folder}.away`);
    await tell(upload);
    await until(upload, 'errorCode');
    await rename(`${folder}.away`, folder);
    await signal(upload, SIGNALS.retryNow);
  });
  await run('workerLost', { bytes: Buffer.alloc(192 * MIB, 'bytes') }, async (upload) => {
    await tell(upload);
    const sources = join(config.STORAGE_DIR, 'sources');
    const isJoining = async () =>
      (await readdir(sources)).some((name) => name.startsWith(`.${upload.uploadId}`));
    await waitFor(isJoining, { what: 'the join', everyMs: 2 });
    await engine.stopWorkers('SIGKILL');
    engine.startWorker();
  });
  await run('refused', {}, async (upload) => {
    await db.users.change(userId, { scopes: ['read'] });
    await tell(upload);
  });
  await maker.close();
}
