import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { openOrm } from '../../src/db/orm.ts';
import { createHealthChecks } from '../../src/http/healthChecks.ts';
import type { HttpDeps } from '../../src/http/route.ts';
import { addStuckItemsGauge } from '../../src/metrics.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

type Name = 'database' | 'storage' | 'temporal' | 'queues' | 'stuck' | 'disk';

describe('health', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  /** Answers are kept for a second, so a change is waited for. */
  const waitForSystem = (status: number, failing: Name[]) =>
    waitFor(
      async () => {
        const { status: now, body } = await api.call('/health/system');
        const bad = Object.keys(body.checks).filter((name) => !body.checks[name].ok);
        return now === status && bad.join() === failing.join() && body;
      },
      { what: `${status} because of ${failing.join(', ') || 'nothing'}` },
    );

  it('says ok without a token', async () => {
    for (const path of ['/status', '/health/live']) {
      const { status, body } = await api.call(path);
      assert.deepEqual([status, body], [200, { status: 'ok' }]);
    }
    const { status, body } = await api.call('/health/ready');
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body.checks), ['database', 'storage']);
    await waitForSystem(200, []);
  });

  it('is not counted by the rate limiter', async () => {
    const { headers } = await api.call('/health/ready');
    assert.equal(headers.get('ratelimit-limit'), null);
  });

  it('names the queues that nobody works on, and an engine that is away; this process stays ready', async () => {
    api.engineHealth.pollers.media = 0;
    const { checks } = await waitForSystem(503, ['queues']);
    assert.equal(checks.queues.message, 'no worker polls: media');
    api.engineHealth.reachable = false;
    await waitForSystem(503, ['temporal', 'queues']);
    assert.equal((await api.call('/health/ready')).status, 200);
    api.engineHealth.pollers.media = 1;
    api.engineHealth.reachable = true;
    await waitForSystem(200, []);
  });

  describe('of stuck items', () => {
    let user: TestUser;
    let orm: Awaited<ReturnType<typeof openOrm>>;
    const bytes = videoBytes(1000);
    before(async () => {
      user = await api.makeUser();
      orm = await openOrm({ databaseUrl: api.databaseUrl, poolMax: 1 });
    });
    after(() => orm.close());
    afterEach(() => orm.em.fork().execute('delete from videos'));

    const sql = (statement: string, parameters: unknown[] = []) =>
      orm.em.fork().execute(statement, parameters);
    /** Makes it look as if nothing had happened to a video for a while. */
    const letRest = async (id: string, minutes: number) => {
      const past = `now() - interval '${minutes} minutes'`;
      await sql(
        `update steps set updated_at = ${past},
                next_attempt_at = case when next_attempt_at is null then null else ${past} end where video_id = ?`,
        [id],
      );
      await sql(`update videos set deleted_at = ${past} where id = ? and deleted_at is not null`, [id]);
    };
    const count = async () =>
      Object.fromEntries(Object.entries(await api.db.health.countStuck()).filter(([, n]) => n > 0));

    it('counts a run that never began', async () => {
      const id = await upload(api, user, bytes);
      await letRest(id, 9);
      assert.deepEqual(await count(), {});
      await letRest(id, 11);
      assert.deepEqual(await count(), { unstarted: 1 });
      const { checks } = await waitForSystem(503, ['stuck']);
      assert.equal(checks.stuck.message, 'stuck: 1 unstarted');
    });

    it('counts a step that shows no progress, and one whose next attempt is overdue', async () => {
      const id = await upload(api, user, bytes);
      await api.db.steps.beginRun(id, 1);
      const worker = playWorker(api, id);
      await worker.begin('source');
      await worker.begin('thumbnail');
      const error = { code: 'x', message: 'x', retryable: true };
      await api.db.steps.waitForRetry({ videoId: id, name: 'thumbnail', run: 1 }, error, new Date());
      await letRest(id, 11);
      assert.deepEqual(await count(), { running: 1, waiting_retry: 1 });
      await sql(
        `update steps set next_attempt_at = now() + interval '1 hour' where video_id = ? and name = 'thumbnail'`,
        [id],
      );
      await api.db.steps.showProgress({ videoId: id, name: 'source', attempt: 1 }, 50);
      assert.deepEqual(await count(), {});
    });

    it('lets a step wait in a long queue, but not for ever', async () => {
      const id = await upload(api, user, bytes, '?process=[]');
      await api.db.steps.beginRun(id, 1);
      await letRest(id, 59);
      assert.deepEqual(await count(), {});
      await letRest(id, 61);
      assert.deepEqual(await count(), { queued: 2 });
    });

    it('counts a removal that does not come to an end', async () => {
      const id = await makeReady(api, user, { bytes });
      await letRest(id, 1000);
      assert.deepEqual(await count(), {}, 'what is done may rest');
      await api.db.videos.requestDelete(user.id, id);
      assert.deepEqual(await count(), {});
      await letRest(id, 61);
      assert.deepEqual(await count(), { removing: 1 });
    });

    it('does not count a retry that was accepted a moment ago', async () => {
      const id = await upload(api, user, bytes);
      await api.db.steps.beginRun(id, 1);
      await playWorker(api, id).fail('source', 'source_missing');
      await letRest(id, 100);
      assert.deepEqual(await count(), {});
      await api.db.videos.requestRetry(user.id, id);
      assert.deepEqual(await count(), {});
    });

    it('is a metric too, with no value while it cannot be counted', async () => {
      const registry = new Registry();
      let isAway = false;
      addStuckItemsGauge(registry, async () => {
        if (isAway) throw new Error('the database is away');
        return { ...(await api.db.health.countStuck()) };
      });
      const id = await upload(api, user, bytes);
      await letRest(id, 11);
      assert.match(await registry.metrics(), /^videoflow_stuck_items\{kind="unstarted"\} 1$/m);
      assert.match(await registry.metrics(), /^videoflow_stuck_items\{kind="running"\} 0$/m);
      isAway = true;
      assert.doesNotMatch(await registry.metrics(), /^videoflow_stuck_items\{/m);
    });
  });

  it('notices a storage that takes no writes, without saying where it is', async () => {
    const broken = await startApi({ STORAGE_DIR: '/dev/null/storage' });
    try {
      const { status, body } = await broken.call('/health/ready');
      assert.equal(status, 503);
      assert.equal(body.status, 'unavailable');
      assert.deepEqual(body.checks.storage, { ok: false, message: 'does not work' });
      assert.ok(!JSON.stringify(body).includes('/dev/null'));
      assert.equal((await broken.call('/health/live')).status, 200);
    } finally {
      await broken.close();
    }
  });

  it('notices a disk below its floor', async () => {
    const full = await startApi({ MIN_FREE_BYTES: String(2 ** 52) });
    try {
      const { body } = await full.call('/health/system');
      assert.equal(body.checks.disk.ok, false);
      assert.equal((await full.call('/health/ready')).status, 200, 'what is stored can still be read');
    } finally {
      await full.close();
    }
  });

  it('is bounded in time, and asks a part that hangs no second time', async () => {
    let asked = 0;
    const hanging = () => {
      asked += 1;
      return new Promise<never>(() => {});
    };
    const checks = createHealthChecks({
      db: { ping: hanging },
      storage: { ping: async () => {} },
    } as unknown as HttpDeps);
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => checks.ready()));
    assert.ok(performance.now() - startedAt < 4000);
    for (const { database, storage } of answers) {
      assert.deepEqual(database, { ok: false, message: 'did not answer within 2 s' });
      assert.equal(storage?.ok, true);
    }
    assert.equal(asked, 1);
  });
});
