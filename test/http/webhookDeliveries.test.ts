import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { uniqueName, waitFor } from '../support/stack.ts';
import { type AddedDelivery, addDelivery, addEvent, HOOK_URL } from '../support/webhooks.ts';

describe('deliveries of webhooks', () => {
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
  });
  afterEach(() => api.call(`/v1/webhooks/${hook}`, { method: 'DELETE', token: user.token }));
  after(() => api?.close());

  const call = (path: string, options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/webhooks/${hook}${path}`, { token: user.token, ...options });
  const add = (delivery: Partial<AddedDelivery> = {}): Promise<string> =>
    addDelivery(api, { userId: user.id, webhookId: hook, ...delivery });
  const list = (query = ''): Promise<Answer> => call(`/deliveries${query}`);
  const idsOf = ({ body }: Answer): string[] => body.data.map(({ id }: { id: string }) => id);
  const show = (id: string): Promise<Answer> => call(`/deliveries/${id}`);

  const insertPing = async (): Promise<string> =>
    (await api.db.transaction(({ webhookDeliveries }) => webhookDeliveries.insertPing(user.id, hook))) ?? '';

  describe('in the log', () => {
    it('show every attempt, and what came of it', async () => {
      const id = await add({
        type: 'video.failed',
        attempts: [
          { errorCode: 'unreachable' },
          { status: 500, durationMs: 12, errorCode: 'bad_status', response: 'Ouch \u{1f4a5}' },
          { status: 204, durationMs: 7, response: '' },
        ],
      });
      const { status, body } = await show(id);
      assert.equal(status, 200);
      const { attempts, event_id, sequence, created_at, ended_at, ...rest } = body;
      assert.deepEqual(rest, {
        id,
        webhook_id: hook,
        kind: 'event',
        type: 'video.failed',
        state: 'succeeded',
        next_attempt_at: null,
      });
      assert.ok(event_id !== id && sequence >= 1 && created_at && ended_at);
      for (const { at } of attempts) assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
      assert.deepEqual(
        attempts.map(({ at: _, ...attempt }: { at: string }) => attempt),
        [
          { number: 1, status: null, duration_ms: null, error_code: 'unreachable', response: null },
          { number: 2, status: 500, duration_ms: 12, error_code: 'bad_status', response: 'Ouch \u{1f4a5}' },
          { number: 3, status: 204, duration_ms: 7, error_code: null, response: '' },
        ],
      );
      assert.deepEqual((await list()).body, { data: [body], next_cursor: null });
    });

    it('are listed newest first, in pages, by state and by type', async () => {
      const ids = [
        await add({ type: 'video.ready' }),
        await add({ type: 'video.failed', state: 'failed' }),
        await add({ type: 'video.ready', state: 'pending', attempts: [] }),
        await add({ type: 'edit.failed', state: 'failed' }),
      ].reverse();
      const other = (await api.call('/v1/webhooks', { token: user.token, json: { url: HOOK_URL } })).body.id;
      await add({ webhookId: other });
      assert.deepEqual(idsOf(await list()), ids);
      const paged: string[] = [];
      for (let query = '?limit=1'; query; ) {
        const page = await list(query);
        paged.push(...idsOf(page));
        query = page.body.next_cursor ? `?limit=1&cursor=${page.body.next_cursor}` : '';
      }
      assert.deepEqual(paged, ids);
      assert.deepEqual(idsOf(await list('?state=failed')), [ids[0], ids[2]]);
      assert.deepEqual(idsOf(await list('?type=video.ready')), [ids[1], ids[3]]);
      assert.deepEqual(idsOf(await list('?type=video.ready&state=pending')), [ids[1]]);
      assert.deepEqual(idsOf(await list('?type=webhook.ping')), []);
      for (const [field, query] of [
        ['state', '?state=dead'],
        ['type', '?type=video.*'],
        ['cursor', '?cursor=x'],
        ['limit', '?limit=101'],
        ['sort', '?sort=up'],
      ]) {
        const { status, body } = await list(query);
        assert.deepEqual([status, body.errors?.[0]?.path], [422, field]);
      }
    });

    it('are listed in the order of what they tell, and not of when that was taken up', async () => {
      const events = [
        await addEvent(api, user.id),
        await addEvent(api, user.id),
        await addEvent(api, user.id),
      ];
      const [first, third, second] = [
        await add({ eventId: events[0] ?? '' }),
        await add({ eventId: events[2] ?? '' }),
        await add({ eventId: events[1] ?? '' }),
      ];
      const page = await list('?limit=1');
      const next = await list(`?limit=1&cursor=${page.body.next_cursor}`);
      const last = await list(`?limit=1&cursor=${next.body.next_cursor}`);
      assert.deepEqual([page, next, last].map(idsOf), [[third], [second], [first]]);
      assert.equal(last.body.next_cursor, null);
    });

    it('are those of one webhook, and found under no other', async () => {
      const id = await add();
      const other = (await api.call('/v1/webhooks', { token: user.token, json: { url: HOOK_URL } })).body.id;
      for (const path of [
        `${other}/deliveries/${id}`,
        `${uuidv7()}/deliveries/${id}`,
        `${hook}/deliveries/${uuidv7()}`,
      ]) {
        assert.equal((await api.call(`/v1/webhooks/${path}`, { token: user.token })).body.code, 'not_found');
        const again = await api.call(`/v1/webhooks/${path}/resend`, { method: 'POST', token: user.token });
        assert.equal(again.body.code, 'not_found');
      }
      assert.equal(
        (await api.call(`/v1/webhooks/${uuidv7()}/deliveries`, { token: user.token })).status,
        404,
      );
      assert.deepEqual(api.flowCalls, []);
    });
  });

  describe('sent again', () => {
    const resend = (id: string, headers: Record<string, string> = {}): Promise<Answer> =>
      call(`/deliveries/${id}/resend`, { method: 'POST', headers });

    for (const state of ['succeeded', 'failed', 'cancelled', 'pending'] as const) {
      it(`are due at once with a whole schedule, also when ${state} before`, async () => {
        const id = await add({ state, attempts: [{ status: 200 }, { status: 500 }] });
        const before = (await show(id)).body;
        const { status, headers, body } = await resend(id);
        assert.equal(status, 202);
        assert.equal(headers.get('location'), `http://videoflow.test/v1/webhooks/${hook}/deliveries/${id}`);
        assert.deepEqual(body, {
          ...before,
          state: 'pending',
          next_attempt_at: body.next_attempt_at,
          ended_at: null,
        });
        assert.ok(Math.abs(Date.parse(body.next_attempt_at) - Date.now()) < 5000);
        const [row] = await api.sql(
          'select attempts, schedule_attempts, event_id from webhook_deliveries where id = $1',
          [id],
        );
        assert.deepEqual(row, { attempts: 2, schedule_attempts: 0, event_id: before.event_id });
        const told = [{ command: 'deliverWebhook', input: { webhookId: hook, userId: user.id } }];
        assert.deepEqual(api.flowCalls, told);
      });
    }

    it('are refused while the webhook is disabled, and what is no longer kept, and pings', async () => {
      const [gone, ping, fine] = [await add({ isGone: true }), await insertPing(), await add()];
      for (const [id, status, code] of [
        [gone, 410, 'event_gone'],
        [ping, 409, 'not_possible'],
      ] as const) {
        const answer = await resend(id);
        assert.deepEqual([answer.status, answer.body.code, answer.body.retryable], [status, code, false]);
      }
      await call('', { method: 'PATCH', json: { enabled: false } });
      const answer = await resend(fine);
      assert.deepEqual([answer.status, answer.body.code], [409, 'webhook_disabled']);
      assert.equal((await show(fine)).body.state, 'succeeded');
      assert.deepEqual(api.flowCalls, []);
    });

    it('are sent again once by requests with the same Idempotency-Key, whose kept answer holds no response', async () => {
      const id = await add({ attempts: [{ status: 404, response: 'Cannot POST /very-secret' }] });
      const headers = { 'idempotency-key': uniqueName('key') };
      const first = await resend(id, headers);
      assert.equal(first.body.attempts[0].response, 'Cannot POST /very-secret');
      await api.sql(
        "update webhook_deliveries set state = 'succeeded', next_attempt_at = null where id = $1",
        [id],
      );
      const again = await resend(id, headers);
      assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [202, 'true']);
      assert.equal(again.body.attempts[0].response, null);
      assert.equal((await show(id)).body.state, 'succeeded');
      const kept = await api.sql('select answer::text from idempotency_keys');
      assert.doesNotMatch(JSON.stringify(kept), /very-secret/);
    });

    it('ring for whoever is at the webhook already', async () => {
      const rung: (string | null)[] = [];
      const { close } = await api.db.listenForEvents((userId) => rung.push(userId));
      try {
        const id = await add();
        await waitFor(() => rung.includes(user.id), { what: 'the event' });
        rung.splice(0);
        await resend(id);
        await waitFor(() => rung.includes(user.id), { what: 'the resend' });
      } finally {
        await close();
      }
    });

    it('are waited for by those who prefer that', async () => {
      const id = await add();
      const waiting = resend(id, { prefer: 'wait=10' });
      setTimeout(
        () =>
          void api.sql(
            "update webhook_deliveries set state = 'failed', next_attempt_at = null where id = $1",
            [id],
          ),
        200,
      );
      const { status, body, headers } = await waiting;
      assert.deepEqual([status, body.state, headers.get('preference-applied')], [200, 'failed', 'wait=10']);
    });

    it('do not come back when the webhook is disabled at the same moment', async () => {
      const ids = await Promise.all(Array.from({ length: 8 }, () => add()));
      await Promise.all([
        ...ids.map((id) => resend(id)),
        call('', { method: 'PATCH', json: { enabled: false } }),
      ]);
      const states = (await list('?limit=100')).body.data.map(({ state }: { state: string }) => state);
      assert.ok(!states.includes('pending'), states.join());
    });
  });
});
