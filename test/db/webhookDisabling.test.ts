import assert from 'node:assert/strict';
import pg from 'pg';
import { newId } from '../../src/db/ids.ts';
import type { BegunAttempt, EndedAttempt } from '../../src/db/webhookRecords.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { waitFor } from '../support/stack.ts';
import { addDelivery, addEvent, addWebhook } from '../support/webhooks.ts';

const ATTEND = { attendSec: 12, attemptSec: 20 };

describe('webhooks that fail', () => {
  let api: TestApi;
  let userId: string;
  let webhookId: string;

  before(async () => {
    api = await startApi();
    ({ id: userId } = await api.makeUser());
  });
  after(() => api?.close());
  beforeEach(async () => {
    webhookId = await addWebhook(api, userId);
  });

  const readRow = async () => (await api.sql('select * from webhooks where id = $1', [webhookId]))[0];
  const states = async () =>
    (await api.sql('select distinct state from webhook_deliveries where webhook_id = $1', [webhookId])).map(
      ({ state }) => state,
    );
  const begin = async (): Promise<BegunAttempt> => {
    const look = { webhookId, holder: newId(), slots: 1 };
    await api.sql('update webhooks set attended_until = null where id = $1', [webhookId]);
    const seen = await api.db.webhookRecords.attend([look], ATTEND);
    return seen.get(webhookId)?.begun[0] ?? assert.fail('nothing was due');
  };
  const record = (attempt: BegunAttempt, answer: Pick<EndedAttempt, 'status' | 'state'>) => {
    const { id: attemptId, ...rest } = attempt;
    const text = { errorCode: null, response: '', nextAttemptAt: null };
    const ended = { ...rest, ...text, ...answer, attemptId, isPing: false, durationMs: 5 };
    return api.db.webhookRecords.record([ended], new Date(0));
  };

  it('are disabled before what is on its way is given up, so that who waits for that waits alone', async () => {
    const delivery = await addDelivery(api, { userId, webhookId, state: 'pending' });
    await addDelivery(api, { userId, webhookId, state: 'pending' });
    const other = new pg.Client({ connectionString: api.databaseUrl });
    await other.connect();
    try {
      await other.query('begin');
      await other.query('select 1 from webhook_deliveries where id = $1 for update', [delivery]);
      const disabled = api.db.webhookRecords.disable(webhookId, 'failing');
      await waitFor(async () => !(await readRow()).is_enabled, { what: 'being disabled' });
      assert.deepEqual(await states(), ['pending']);
      await other.query('commit');
      await disabled;
    } finally {
      await other.end();
    }
    assert.deepEqual(await states(), ['cancelled']);
  });

  it('are sent nothing of before when they are enabled, also where giving up was cut off', async () => {
    for (let count = 0; count < 3; count++) await addDelivery(api, { userId, webhookId, state: 'pending' });
    await api.sql('update webhooks set is_enabled = false where id = $1', [webhookId]);
    await api.db.webhooks.change(userId, webhookId, { isEnabled: true });
    assert.deepEqual(await states(), ['cancelled']);
  });

  it('keep what is on its way as long as they are enabled', async () => {
    await addDelivery(api, { userId, webhookId, state: 'pending' });
    await api.db.webhooks.change(userId, webhookId, { isEnabled: true });
    assert.deepEqual(await states(), ['pending']);
  });

  it('fail since that was heard, not since before a success that was heard earlier', async () => {
    await addEvent(api, userId);
    await addEvent(api, userId);
    const [slow, quick] = [await begin(), await begin()];
    await record(quick, { status: 200, state: 'succeeded' });
    const [{ now }] = await api.sql('select clock_timestamp() as now');
    await record(slow, { status: 500, state: 'failed' });
    assert.ok((await readRow()).failing_since >= new Date(now));
  });

  it('are judged by answers, of which no more are counted than are enough', async () => {
    const since = new Date(Date.now() - 60_000);
    await addDelivery(api, { userId, webhookId, state: 'pending', attempts: [{}, { status: 200 }] });
    await addDelivery(api, { userId, webhookId, attempts: [{ status: 500 }, { errorCode: 'unreachable' }] });
    const count = (enough: number) => api.db.webhookRecords.countFailures(webhookId, since, enough);
    assert.deepEqual([await count(3), await count(1)], [2, 1]);
  });
});
