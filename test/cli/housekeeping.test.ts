import assert from 'node:assert/strict';
import { makePlace, type Place } from './session.ts';
import { type StandInServer, sendProblem, startStandInServer } from './standInServer.ts';

const REPORT = {
  id: '1',
  status: 'done',
  dry_run: false,
  forced: false,
  started_at: '2026-11-21T10:00:00.000Z',
  ended_at: '2026-11-21T10:00:04.000Z',
  expired_uploads: { found: 3, ended: 3 },
  orphans: { listed: 40, seen: 5, due: 2, removed: 2, failed: 0, sample_ids: ['id-1'], stopped: null },
  rows: { uploads: 1, upload_segments: 2, idempotency_keys: 3, rate_limits: 4, share_sessions: 5 },
  scratch_folders: 1,
  failures: [],
};

describe('videoflow admin housekeeping', () => {
  let server: StandInServer;
  let place: Place;

  before(async () => {
    server = await startStandInServer();
    place = await makePlace({ VIDEOFLOW_URL: server.url, VIDEOFLOW_TOKEN: server.token });
  });

  after(async () => {
    await server.close();
    await place.remove();
  });

  beforeEach(() => {
    server.seen.length = 0;
    server.housekeeping = { report: REPORT, polls: 0 };
  });

  const asked = () => server.seen.map(({ method, path }) => `${method} ${path}`);
  const housekeep = (...args: string[]) => place.run(['admin', 'housekeeping', ...args]);

  it('prints the report for people', async () => {
    const { code, stdout } = await housekeep();
    assert.equal(code, 0);
    assert.deepEqual(asked(), ['POST /v1/admin/housekeeping']);
    assert.equal(
      stdout,
      [
        'Housekeeping is done (4.0 s)',
        '  Expired uploads:  3 of 3 ended',
        '  Orphans:          2 of 2 removed (5 of 40 objects older than 48 h have no row)',
        '  for example of: id-1',
        '  Old rows:         1 uploads, 2 upload segments, 3 idempotency keys, 4 rate limits, 5 share sessions removed',
        '  Scratch folders:  1 removed',
        '',
      ].join('\n'),
    );
  });

  it('passes on what it was asked for, waits until it is done, and writes JSON', async () => {
    const report = { ...REPORT, dry_run: true, scratch_folders: null };
    server.housekeeping = { report, polls: 1 };
    const { code, stdout } = await housekeep('--dry-run', '--force', '--json');
    assert.equal(code, 0);
    assert.deepEqual(asked(), [
      'POST /v1/admin/housekeeping?dry_run=true&force=true',
      'GET /v1/admin/housekeeping/1',
    ]);
    assert.equal(stdout, `${JSON.stringify(report)}\n`);
  }).timeout(10_000);

  it('says by the exit code that orphans were left, or a part failed', async () => {
    const stopped = { reason: 'too_many', count: 120 };
    server.housekeeping.report = { ...REPORT, orphans: { ...REPORT.orphans, due: 120, removed: 0, stopped } };
    const left = await housekeep();
    assert.equal(left.code, 1);
    assert.match(left.stdout, /stopped: 120 orphans were left, for so many at once.*--force/);
    const failures = [{ part: 'orphans', code: 'storage_unavailable', message: 'No storage' }];
    server.housekeeping.report = { ...REPORT, orphans: null, failures };
    const failed = await housekeep();
    assert.equal(failed.code, 1);
    assert.match(
      failed.stdout,
      /Orphans: +not known\n(?:.*\n)* {2}failed: orphans: No storage \(storage_unavailable\)/,
    );
  });

  it('starts it once, however often it must ask', async () => {
    server.faults.push((_request, response) => sendProblem(response, 503, 'no_worker'));
    assert.equal((await housekeep()).code, 0);
    const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys.length, 2);
    assert.ok(keys[0] && keys[0] === keys[1]);
  });

  it('tells a token that may not from a server that is none', async () => {
    server.faults.push((_request, response) => sendProblem(response, 403, 'insufficient_scope'));
    const refused = await housekeep();
    assert.deepEqual([refused.code, refused.stderr], [3, 'videoflow: detail of insufficient_scope\n']);
    server.housekeeping.report = { hello: 'world' };
    assert.equal((await housekeep()).code, 2);
  });
});
