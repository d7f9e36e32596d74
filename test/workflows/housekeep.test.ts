import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { newId } from '../../src/db/ids.ts';
import type { SealedSecret } from '../../src/db/webhooks.ts';
import { sourceUrlPlace } from '../../src/domain/sealedPlaces.ts';
import type { HousekeepingReport } from '../../src/flows.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import {
  HOUSEKEEPING_SCHEDULE_ID,
  type HousekeepInput,
  housekeepId,
  RECONCILE_ID,
} from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { installQuietRuntime } from '../support/quietRuntime.ts';
import { waitFor } from '../support/stack.ts';
import { DAY_MS, HOUR_MS, openStoredWorld, type StoredWorld } from '../support/storedWorld.ts';
import { listStored } from '../support/uploading.ts';

describe('housekeep', function () {
  this.timeout(120_000);
  let engine: TestEngine;
  let world: StoredWorld;

  before(installQuietRuntime);
  beforeEach(async () => {
    engine = await startTestEngine();
    const { DATABASE_URL: databaseUrl, STORAGE_DIR: storageDir } = engine.config;
    world = await openStoredWorld({ databaseUrl, storageDir, userId: engine.userId });
  });
  afterEach(async () => {
    await world?.close();
    await engine?.close();
  });

  const keepHouse = async (input: HousekeepInput = {}): Promise<HousekeepingReport> => {
    const id = newId();
    await engine.flows.startHousekeeping(id, input);
    return waitFor(
      async () => {
        const found = await engine.flows.findHousekeeping(id);
        assert.notEqual(found.state, 'missing');
        return found.state === 'done' ? found.report : null;
      },
      { what: 'the report', timeoutMs: 40_000 },
    );
  };
  /** Starts a worker whose reconciler has had its look at the rows, so that only housekeeping finds what comes now. */
  const startQuietWorker = async () => {
    engine.startWorker({ RECONCILE_INTERVAL_SEC: '3600' });
    await waitFor(
      async () => {
        const history = await engine.client.workflow.getHandle(RECONCILE_ID).fetchHistory();
        return history.events?.some((event) => event.timerStartedEventAttributes);
      },
      { what: 'the first pass of the reconciler', timeoutMs: 30_000 },
    );
  };
  const statesOf = async (uploads: { uploadId: string }[]): Promise<string[]> => {
    const rows = await world.sql('select id, state from uploads');
    const states = new Map(rows.map(({ id, state }) => [id, state]));
    return [...new Set(uploads.map(({ uploadId }) => states.get(uploadId) ?? 'gone'))];
  };

  /** A source's address as older versions kept it, and a webhook's secret that signs no more beside two that do. */
  async function makeOpenSecrets(videoId: string) {
    const url = 'https://files.example.com/a.mp4?token=hidden';
    await world.sql('update videos set source_url = ? where id = ?', [url, videoId]);
    const [over, ending, newest] = [newId(), newId(), newId()].map((id) => ({ id, sealed: 'x' })) as [
      SealedSecret,
      SealedSecret,
      SealedSecret,
    ];
    const webhook = { id: newId(), userId: engine.userId, sealedUrl: 'x', types: [], description: null };
    await engine.db.transaction(({ webhooks }) =>
      webhooks.insert({ ...webhook, isEnabled: true, secret: over }, 1),
    );
    for (const secret of [ending, newest])
      await engine.db.webhooks.rotate(engine.userId, webhook.id, secret, 3600);
    await world.sql('update webhook_secrets set expires_at = now() where id = ?', [over.id]);
    const assertKept = async () => {
      const left = await world.sql('select id from webhook_secrets order by id');
      assert.deepEqual(left, [{ id: ending.id }, { id: newest.id }]);
      const [{ source_url: sealed }] = await world.sql('select source_url from videos where id = ?', [
        videoId,
      ]);
      assert.equal(createSealer(engine.config.ENCRYPTION_KEYS).open(sealed, sourceUrlPlace(videoId)), url);
    };
    return { assertKept };
  }

  it('removes exactly what expired and what nobody owns; a dry run before tells it and changes nothing', async () => {
    await startQuietWorker();
    const finished = await world.makeFinished(200);
    const expired = await world.makeUploads(200, { state: 'open', expiresInMs: -HOUR_MS });
    const live = await world.makeUploads(199, { state: 'open', expiresInMs: DAY_MS });
    live.push(...(await world.makeUploads(1, { state: 'open', expiresInMs: -HOUR_MS, isHeld: true })));
    await world.makeOrphans(50, { seenAgoMs: HOUR_MS });

    const before = [await listStored(engine.storage), await world.sql('select * from orphans order by key')];
    const dry = await keepHouse({ dryRun: true });
    assert.deepEqual(dry.expiredUploads, { found: 200, ended: 0 });
    assert.deepEqual([dry.orphans?.seen, dry.orphans?.due, dry.orphans?.removed], [50, 50, 0]);
    assert.deepEqual(await statesOf(expired), ['open']);
    assert.deepEqual(
      [await listStored(engine.storage), await world.sql('select * from orphans order by key')],
      before,
    );
    const report = await keepHouse();
    assert.deepEqual(report.failures, []);
    assert.deepEqual(report.expiredUploads, { found: 200, ended: 200 });
    assert.equal(report.orphans?.stopped, null);
    assert.equal(report.orphans?.removed, 50);
    assert.equal(report.scratchFolders, 0);
    const wanted = [...finished, ...live.map(({ key }) => key)].sort();
    assert.deepEqual(await listStored(engine.storage), wanted);
    assert.deepEqual(await statesOf(expired), ['expired']);
    assert.deepEqual(await statesOf(live), ['open']);
    const lines = (await engine.workerLog()).filter(({ msg }) => msg === 'housekeeping is done');
    assert.deepEqual(
      lines.map((line) => (line.report as HousekeepingReport).id),
      [dry.id, report.id],
    );
  });

  it('stops at too many, says so where an operator looks, and goes on when forced', async () => {
    const orphans = await world.makeOrphans(101, { seenAgoMs: 3 * HOUR_MS });
    engine.startWorker();
    const { id, orphans: stopped } = await keepHouse();
    assert.deepEqual(stopped?.stopped, { reason: 'too_many', count: 101 });
    assert.equal(stopped?.removed, 0);
    assert.equal((await listStored(engine.storage)).length, orphans.length);
    assert.equal((await engine.db.health.countStuck()).orphans, 101);
    assert.ok(
      (await engine.workerLog()).some(({ msg, level }) => level === 40 && /too many objects/.test(`${msg}`)),
    );
    const run = await engine.client.workflow.getHandle(housekeepId(id)).describe();
    assert.equal(await run.staticSummary(), 'Removes what nobody needs any more');
    const forced = await keepHouse({ force: true });
    assert.deepEqual([forced.orphans?.removed, forced.orphans?.stopped], [101, null]);
    assert.deepEqual(await listStored(engine.storage), []);
    assert.equal((await engine.db.health.countStuck()).orphans, 0);
  });

  it('removes rows whose time is over, and keeps those that are still asked for', async () => {
    await startQuietWorker();
    const day = { state: 'accepted', expiresInMs: -DAY_MS } as const;
    const [old] = await world.makeUploads(1, { ...day, endedAgoMs: 7.1 * DAY_MS });
    const [kept] = await world.makeUploads(1, { ...day, endedAgoMs: 1.1 * DAY_MS });
    const [recent] = await world.makeUploads(1, { ...day, endedAgoMs: 0.9 * DAY_MS });
    const [uncleared] = await world.makeUploads(1, { ...day, endedAgoMs: 8 * DAY_MS });
    const [open] = await world.makeUploads(1, { state: 'open', expiresInMs: DAY_MS });
    await world.sql('update uploads set cleared_at = null where id = ?', [uncleared?.uploadId]);
    await world.sql(
      `insert into rate_limits (key, points, expire) values ('over', 1, 1), ('endless', 1, null), ('on', 1, ?)`,
      [Date.now() + HOUR_MS],
    );
    const key = `insert into idempotency_keys (id, user_id, route, key, holder, lease_until, created_at)
      values (?, ?, 'post /', ?, 'h', now(), now() - ?::interval)`;
    for (const age of ['8 days', '6 days']) await world.sql(key, [newId(), engine.userId, age, age]);
    await world.makeShareSessions([2.1 * DAY_MS, 1.9 * DAY_MS]);
    const words = {
      userLabel: null,
      externalId: null,
      title: 't',
      description: null,
      tags: [],
      filename: null,
    };
    for (const age of ['31 days', '31 days', '29 days']) {
      const { id } = await engine.db.videos.insertEntry({ ...words, userId: engine.userId });
      await world.sql('update events set created_at = now() - ?::interval where video_id = ?', [age, id]);
    }
    const rows = {
      uploads: 1,
      uploadSegments: 2,
      idempotencyKeys: 1,
      rateLimits: 1,
      shareSessions: 1,
      pictures: 0,
      sounds: 0,
      captions: 0,
      events: 2,
      webhookDeliveries: 0,
      telegramLinks: 0,
      telegramNotices: 0,
    };
    const secrets = await makeOpenSecrets(open?.videoId ?? '');
    assert.deepEqual((await keepHouse({ dryRun: true })).rows, rows);
    assert.deepEqual((await keepHouse()).rows, rows);
    await secrets.assertKept();
    const ids = async (statement: string) => (await world.sql(statement)).map(({ id }) => id).sort();
    const uploads = [kept, recent, uncleared, open].map((upload) => upload?.uploadId).sort();
    assert.deepEqual(await ids('select id from uploads'), uploads);
    assert.ok(!uploads.includes(old?.uploadId));
    const segments = [recent, uncleared, open].map((upload) => upload?.uploadId).sort();
    assert.deepEqual(await ids('select upload_id as id from upload_segments'), segments);
    assert.deepEqual(await ids('select key as id from rate_limits'), ['endless', 'on']);
    assert.deepEqual(await ids('select key as id from idempotency_keys'), ['6 days']);
  });

  it('is scheduled once, whoever looks after it, with the interval of the configuration', async () => {
    const { schedule } = engine.client;
    const handle = schedule.getHandle(HOUSEKEEPING_SCHEDULE_ID);
    const every = async () => (await handle.describe()).spec.intervals?.map((interval) => interval.every);
    engine.startWorker({ HOUSEKEEPING_INTERVAL_SEC: '7200' });
    engine.startWorker({ HOUSEKEEPING_INTERVAL_SEC: '7200' });
    await waitFor(async () => (await every())?.[0] === 7_200_000, {
      what: 'the schedule',
      timeoutMs: 30_000,
    });
    await handle.pause('an operator wants quiet');
    await engine.stopWorkers('SIGTERM');
    engine.startWorker({ HOUSEKEEPING_INTERVAL_SEC: '1' });
    await waitFor(async () => (await every())?.[0] === 1000, { what: 'the new interval', timeoutMs: 30_000 });
    const { state, policies, action } = await handle.describe();
    assert.deepEqual([state.paused, state.note], [true, 'an operator wants quiet']);
    assert.equal(policies.overlap, 'SKIP');
    assert.equal(action.staticSummary, 'Removes what nobody needs any more');
    const all: string[] = [];
    for await (const { scheduleId } of schedule.list()) all.push(scheduleId);
    assert.deepEqual(all, [HOUSEKEEPING_SCHEDULE_ID]);
    await handle.unpause();
    const query = `WorkflowType = 'housekeep' AND ExecutionStatus = 'Completed'`;
    const workflowId = await waitFor(
      async () => {
        for await (const run of engine.client.workflow.list({ query })) return run.workflowId;
        return null;
      },
      { what: 'a scheduled housekeeping', timeoutMs: 30_000 },
    );
    const report: HousekeepingReport = await engine.client.workflow.getHandle(workflowId).result();
    assert.match(report.id, /^scheduled-/);
    assert.deepEqual(report.failures, []);
  });

  it('goes on with its other parts when one fails, and says so', async () => {
    const logged: HousekeepingReport[] = [];
    const trouble = {
      message: 'The storage cannot be read',
      type: 'storage_unavailable',
      nonRetryable: true,
    };
    const standIns = {
      endOverdueUploads: async () => ({ found: 0, ended: 0 }),
      findOrphans: async () => {
        throw ApplicationFailure.create(trouble);
      },
      removeEndedRows: async () => ({
        uploads: 1,
        uploadSegments: 2,
        idempotencyKeys: 3,
        rateLimits: 4,
        shareSessions: 5,
        pictures: 0,
        sounds: 0,
        captions: 0,
      }),
      sweepScratch: async () => 5,
      logHousekeeping: async (report: HousekeepingReport) => void logged.push(report),
    };
    const stop = await runWorkers(engine, standIns);
    try {
      const report = await keepHouse();
      assert.equal(report.orphans, null);
      assert.deepEqual(report.failures, [
        { part: 'orphans', code: 'storage_unavailable', message: 'The storage cannot be read' },
      ]);
      assert.deepEqual([report.rows?.rateLimits, report.scratchFolders], [4, 5]);
      assert.deepEqual(logged, [report]);
    } finally {
      await stop();
    }
  });
});

/** Works on both queues with other activities than ours. @returns what stops that */
async function runWorkers(engine: TestEngine, activities: object): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address: engine.config.TEMPORAL_ADDRESS });
  const options = { connection, namespace: engine.config.TEMPORAL_NAMESPACE, activities };
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  const workers = await Promise.all([
    Worker.create({ ...options, taskQueue: 'workflows', workflowsPath }),
    Worker.create({ ...options, taskQueue: 'net' }),
  ]);
  const running = workers.map((worker) => worker.run());
  return async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
    await connection.close();
  };
}
