import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { newId } from '../../src/db/ids.ts';
import { EngineUnavailableError } from '../../src/errors.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';

const PATH = '/v1/admin/housekeeping';

describe('housekeeping over HTTP', () => {
  let api: TestApi;
  let admin: TestUser;
  before(async () => {
    api = await startApi();
    admin = await api.makeUser();
  });
  after(() => api.close());
  afterEach(() => {
    delete api.housekeeping.answer;
    api.engineHealth.reachable = true;
    for (const queue of ['workflows', 'net'] as const) api.engineHealth.pollers[queue] = 1;
    api.flowCalls.length = 0;
  });

  const start = (query = '', headers: Record<string, string> = {}) =>
    api.call(`${PATH}${query}`, { method: 'POST', token: admin.token, headers });
  const find = (id: string) => api.call(`${PATH}/${id}`, { token: admin.token });
  const engineAway = () => new EngineUnavailableError('The workflow engine does not answer right now');

  it('answers the report when it comes in time, as documented', async () => {
    const { status, body } = await start();
    assert.equal(status, 200);
    assert.deepEqual(body, {
      id: body.id,
      status: 'done',
      dry_run: false,
      forced: false,
      started_at: '2026-11-01T00:00:00.000Z',
      ended_at: '2026-11-01T00:00:01.000Z',
      expired_uploads: { found: 0, ended: 0 },
      orphans: { listed: 0, seen: 0, due: 0, removed: 0, failed: 0, sample_ids: [], stopped: null },
      rows: {
        uploads: 0,
        upload_segments: 0,
        idempotency_keys: 0,
        rate_limits: 0,
        share_sessions: 0,
        pictures: 0,
        sounds: 0,
        captions: 0,
        events: 0,
        webhook_deliveries: 0,
        telegram_links: 0,
        telegram_notices: 0,
      },
      scratch_folders: 0,
      failures: [],
    });
    assert.deepEqual((await find(body.id)).body, body);
    const document = (await api.call('/openapi.json')).body;
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const validate = ajv.addSchema({ $id: 'doc', ...document }).compile({
      $ref: 'doc#/components/schemas/HousekeepingReport',
    });
    assert.ok(validate(body), JSON.stringify(validate.errors));
  });

  it('hands on what is asked for, and refuses what it does not know', async () => {
    await start('?dry_run=true');
    await start('?force=1&dry_run=0');
    const inputs = api.flowCalls.map(({ input }) => input as { dryRun: boolean; force: boolean });
    assert.deepEqual(
      inputs.map(({ dryRun, force }) => ({ dryRun, force })),
      [
        { dryRun: true, force: false },
        { dryRun: false, force: true },
      ],
    );
    for (const query of [
      '?dry_run=',
      '?dry_run=yes',
      '?dryrun=true',
      '?force=all',
      '?dry_run=true&dry_run=false',
    ]) {
      const { status, body } = await start(query);
      assert.deepEqual([status, body.code], [422, 'invalid_request'], query);
    }
    assert.equal(api.flowCalls.length, 2);
  });

  it('shows a report whose parts failed, or that stopped', async () => {
    const { body } = await start();
    const report = { ...body, id: 'x', dryRun: false, forced: false, startedAt: 'a', endedAt: 'b' };
    const failure = { part: 'rows', code: 'database_unavailable', message: 'The database did not answer' };
    const counts = { listed: 300, seen: 120, due: 101, sampleIds: [newId()], removed: 0, failed: 0 };
    const orphans = { ...counts, stopped: { reason: 'too_many', count: 120 } as const };
    api.housekeeping.answer = {
      state: 'done',
      report: {
        ...report,
        expiredUploads: null,
        orphans,
        rows: null,
        scratchFolders: null,
        failures: [failure],
      },
    };
    const shown = (await find(body.id)).body;
    assert.deepEqual([shown.expired_uploads, shown.rows, shown.scratch_folders], [null, null, null]);
    assert.deepEqual(shown.orphans.stopped, orphans.stopped);
    assert.deepEqual(shown.orphans.sample_ids, counts.sampleIds);
    assert.deepEqual(shown.failures, [failure]);
  });

  it('answers 202 with the place to ask while it runs', async () => {
    api.housekeeping.answer = { state: 'running' };
    const startedAt = performance.now();
    const { status, body, headers } = await start('', { Prefer: 'wait=1' });
    assert.ok(performance.now() - startedAt < 5000);
    assert.deepEqual([status, body], [202, { id: body.id, status: 'running' }]);
    assert.equal(headers.get('location'), `http://videoflow.test${PATH}/${body.id}`);
    assert.equal(headers.get('preference-applied'), 'wait=1');
    const again = await find(body.id);
    assert.deepEqual([again.status, again.body], [202, body]);
    assert.equal(again.headers.get('location'), headers.get('location'));
    delete api.housekeeping.answer;
    assert.equal((await find(body.id)).status, 200);
  });

  it('answers 202 when the engine goes away once it is started', async () => {
    api.housekeeping.answer = engineAway();
    const { status, body } = await start();
    assert.equal(status, 202);
    const shown = await find(body.id);
    assert.deepEqual([shown.status, shown.body.code], [503, 'engine_unavailable']);
    assert.ok(shown.headers.get('retry-after'));
  });

  it('starts one only under one Idempotency-Key', async () => {
    const headers = { 'Idempotency-Key': newId() };
    const first = await start('', headers);
    const second = await start('', headers);
    assert.equal(second.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual(second.body, first.body);
    assert.equal(api.flowCalls.length, 1);
    assert.equal((await start('?force=true', headers)).body.code, 'idempotency_key_reused');
  });

  it('refuses at once when no worker would take it up, or the engine is away', async () => {
    for (const queue of ['workflows', 'net'] as const) {
      api.engineHealth.pollers[queue] = 0;
      const { status, body, headers } = await start();
      assert.deepEqual([status, body.code, body.retryable], [503, 'no_worker', true], queue);
      assert.ok(Number(headers.get('retry-after')) > 0);
      api.engineHealth.pollers[queue] = 1;
    }
    api.engineHealth.reachable = false;
    const { status, body, headers } = await start();
    assert.deepEqual([status, body.code], [503, 'engine_unavailable']);
    assert.ok(Number(headers.get('retry-after')) > 0);
    assert.deepEqual(api.flowCalls, []);
  });

  it('knows none that was not started, and says of one that an operator ended that there is no report', async () => {
    for (const id of [newId(), 'scheduled', 'x']) assert.equal((await find(id)).status, 404, id);
    const { body } = await start();
    api.housekeeping.answer = { state: 'ended' };
    const ended = await find(body.id);
    assert.deepEqual([ended.status, ended.body.code], [409, 'not_possible']);
  });
});
