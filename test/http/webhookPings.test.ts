import assert from 'node:assert/strict';
import { EngineUnavailableError, NoWorkerError } from '../../src/errors.ts';
import type { WantedPing } from '../../src/flows.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { uniqueName } from '../support/stack.ts';
import { answerPing, HOOK_URL } from '../support/webhooks.ts';

describe('pings of webhooks', () => {
  let api: TestApi;
  let user: TestUser;
  let hook: string;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
  });
  beforeEach(async () => {
    hook = (await api.call('/v1/webhooks', { token: user.token, json: { url: HOOK_URL } })).body.id;
    api.flowCalls.splice(0);
    api.pings.send = answerPing(api, { status: 200, response: 'thanks' });
  });
  afterEach(() => api.call(`/v1/webhooks/${hook}`, { method: 'DELETE', token: user.token }));
  after(() => api?.close());

  const call = (path: string, options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/webhooks/${hook}${path}`, { token: user.token, ...options });
  const list = (query = ''): Promise<Answer> => call(`/deliveries${query}`);
  const show = (id: string): Promise<Answer> => call(`/deliveries/${id}`);

  const ping = (headers: Record<string, string> = {}): Promise<Answer> =>
    call('/test', { method: 'POST', headers });
  const wanted = (): WantedPing[] =>
    api.flowCalls.filter(({ command }) => command === 'pingWebhook').map(({ input }) => input as WantedPing);
  const countPings = async (): Promise<number> =>
    (await list('?type=webhook.ping&limit=100')).body.data.length;

  it('answer with the attempt, whatever came of it', async () => {
    const { status, body } = await ping();
    assert.equal(status, 200);
    assert.deepEqual(
      [body.kind, body.type, body.state, body.sequence],
      ['ping', 'webhook.ping', 'succeeded', null],
    );
    assert.deepEqual([body.attempts[0].status, body.attempts[0].response], [200, 'thanks']);
    assert.deepEqual((await show(body.id)).body, body);
    const [{ requestId, ...ids } = {} as WantedPing, ...more] = wanted();
    assert.deepEqual([ids, more], [{ deliveryId: body.id, webhookId: hook, userId: user.id }, []]);
    assert.ok(requestId);
    api.pings.send = answerPing(api, { errorCode: 'unreachable' });
    const failed = await ping();
    assert.deepEqual([failed.status, failed.body.state], [200, 'failed']);
    assert.equal(failed.body.attempts[0].error_code, 'unreachable');
    const [row] = await api.sql('select next_attempt_at from webhook_deliveries where id = $1', [
      failed.body.id,
    ]);
    assert.equal(row.next_attempt_at, null, 'a ping is never due by itself');
  });

  it('work while the webhook is disabled, and change nothing of it', async () => {
    const { body: before } = await call('', { method: 'PATCH', json: { enabled: false } });
    assert.equal((await ping()).status, 200);
    assert.deepEqual((await call('')).body, before);
  });

  it('say where to look when they take long', async () => {
    api.pings.send = async () => ({ state: 'running' });
    const { status, headers, body } = await ping();
    assert.deepEqual([status, body.state], [202, 'pending']);
    assert.equal(headers.get('location'), `http://videoflow.test/v1/webhooks/${hook}/deliveries/${body.id}`);
    api.pings.send = async (wish) => {
      setTimeout(() => void answerPing(api, { status: 200 })(wish), 200);
      return { state: 'running' };
    };
    const waited = await ping({ prefer: 'wait=10' });
    assert.deepEqual([waited.status, waited.body.state], [200, 'succeeded']);
  });

  for (const [error, code] of [
    [new NoWorkerError('No worker'), 'no_worker'],
    [new EngineUnavailableError('No engine'), 'engine_unavailable'],
  ] as const) {
    it(`leave nothing behind when nobody could be told (${code}), and may be asked for again`, async () => {
      const headers = { 'idempotency-key': uniqueName('key') };
      api.pings.send = async () => {
        throw error;
      };
      for (const given of [{}, headers, headers]) {
        const { status, body } = await ping(given);
        assert.deepEqual([status, body.code], [503, code]);
        assert.equal(await countPings(), 0);
      }
      api.pings.send = answerPing(api, { status: 200 });
      assert.equal((await ping(headers)).status, 200);
    });
  }

  it('answer with what was sent although the engine went away meanwhile', async () => {
    api.pings.send = async (wish) => {
      await answerPing(api, { status: 500 })(wish);
      throw new EngineUnavailableError('No engine');
    };
    const { status, body } = await ping();
    assert.deepEqual([status, body.state, body.attempts[0].status], [200, 'failed', 500]);
  });

  it('say when their work failed', async () => {
    const codes = [];
    for (const code of ['worker_lost', 'ended_by_operator']) {
      api.pings.send = async () => ({ state: 'failed', code, message: 'It is over' });
      const { status, body } = await ping();
      codes.push([status, body.code]);
    }
    assert.deepEqual(codes, [
      [503, 'no_worker'],
      [500, 'internal_error'],
    ]);
    assert.equal(await countPings(), 0, 'nobody had begun');
    api.pings.send = async ({ deliveryId }) => {
      await api.sql('update webhook_deliveries set attempts = 1 where id = $1', [deliveryId]);
      return { state: 'failed', code: 'worker_lost', message: 'It is over' };
    };
    assert.equal((await ping()).status, 503);
    const [begun] = (await list('?type=webhook.ping')).body.data;
    assert.equal(begun.state, 'failed');
    assert.ok(begun.ended_at);
  });

  it('are sent once by requests with the same Idempotency-Key, and gone on with after a death', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    const [first, again] = [await ping(headers), await ping(headers)];
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal(again.body.id, first.body.id);
    assert.equal(again.body.attempts[0].response, null);
    assert.equal(wanted().length, 1);
    const broken = { 'idempotency-key': uniqueName('key') };
    api.pings.send = async () => {
      throw new Error('who knows');
    };
    assert.equal((await ping(broken)).status, 500);
    const rows = await countPings();
    api.pings.send = answerPing(api, { status: 200 });
    const { status, body } = await ping(broken);
    assert.deepEqual([status, body.id], [200, wanted().at(-2)?.deliveryId]);
    assert.equal(await countPings(), rows);
  });
});
