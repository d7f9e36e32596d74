import assert from 'node:assert/strict';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { addDelivery, addEvent, HOOK_URL } from '../support/webhooks.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/;

describe('webhooks that are there', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi({ MAX_WEBHOOKS: '1000' });
  });
  beforeEach(async () => {
    user = await api.makeUser();
  });
  after(() => api?.close());

  const call = (path: string, options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/webhooks${path}`, { token: user.token, ...options });
  const create = (json: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    call('', { json: { url: HOOK_URL, ...json }, headers });
  const make = async (json: object = {}): Promise<string> => (await create(json)).body.id;
  const show = async (id: string) => (await call(`/${id}`)).body;
  const patch = (id: string, json: unknown): Promise<Answer> => call(`/${id}`, { method: 'PATCH', json });
  const row = async (id: string) => (await api.sql('select * from webhooks where id = $1', [id]))[0];

  describe('when they are changed', () => {
    it('change in what is given and nothing else', async () => {
      const id = await make({ types: ['video.*'], description: 'Ours' });
      const { updated_at: _, ...first } = await show(id);
      const changes: object[] = [
        { description: 'Theirs' },
        { description: null },
        { types: ['edit.*', 'share.created'] },
        { types: ['*'] },
        { url: 'http://example.org:80/a#b' },
        {},
      ];
      const expected = { ...first };
      for (const change of changes) {
        const { status, body } = await patch(id, change);
        Object.assign(expected, change, 'url' in change ? { url: 'http://example.org/a' } : {});
        const { updated_at, ...view } = body;
        assert.equal(status, 200);
        assert.deepEqual(view, expected, JSON.stringify(change));
        assert.deepEqual(await show(id), body);
        assert.ok(updated_at >= first.created_at);
      }
    });

    it('give up what is on its way when they are disabled, but neither pings nor what has ended', async () => {
      const id = await make();
      const other = await make();
      const add = (webhookId: string, state: 'pending' | 'failed') =>
        addDelivery(api, { userId: user.id, webhookId, state });
      const [due, failed, elsewhere] = [
        await add(id, 'pending'),
        await add(id, 'failed'),
        await add(other, 'pending'),
      ];
      const ping = await api.db.transaction(({ webhookDeliveries }) =>
        webhookDeliveries.insertPing(user.id, id),
      );
      const { body } = await patch(id, { enabled: false });
      assert.deepEqual([body.enabled, body.disabled_reason], [false, null]);
      assert.match(body.disabled_at, INSTANT);
      const state = async (delivery: string) =>
        (
          await api.sql('select state, next_attempt_at, ended_at from webhook_deliveries where id = $1', [
            delivery,
          ])
        )[0];
      const cancelled = await state(due);
      assert.deepEqual([cancelled.state, cancelled.next_attempt_at], ['cancelled', null]);
      assert.ok(cancelled.ended_at instanceof Date);
      const others = await Promise.all(
        [failed, elsewhere, ping].map(async (one) => (await state(one ?? '')).state),
      );
      assert.deepEqual(others, ['failed', 'pending', 'pending']);
    });

    it('begin at the present when they are enabled again, as if nothing had been', async () => {
      const id = await make();
      await addEvent(api, user.id);
      await api.sql(
        `update webhooks set is_enabled = false, disabled_reason = 'failing', disabled_at = now(), failing_since = now(),
           told_at = now() where id = $1`,
        [id],
      );
      await addEvent(api, user.id);
      const still = await patch(id, { enabled: false });
      assert.equal(still.body.disabled_reason, 'failing', 'it was not the owner who did it');
      assert.equal((await row(id)).cursor_sequence, '0');
      const { body } = await patch(id, { enabled: true });
      assert.deepEqual(
        [body.enabled, body.disabled_reason, body.disabled_at, body.failing_since],
        [true, null, null, null],
      );
      const { cursor_sequence, told_sequence, told_at } = await row(id);
      assert.deepEqual([cursor_sequence, told_sequence, told_at], ['2', '2', null]);
      await addEvent(api, user.id);
      await patch(id, { enabled: true });
      assert.equal((await row(id)).cursor_sequence, '2', 'one that is enabled loses nothing by it');
    });

    it('forget since when an address has been failing once there is another', async () => {
      const id = await make();
      await api.sql('update webhooks set failing_since = now() where id = $1', [id]);
      assert.match((await patch(id, { description: 'x' })).body.failing_since, INSTANT);
      assert.equal((await patch(id, { url: 'https://example.org/' })).body.failing_since, null);
    });

    it('end in one of two states when both are asked for at once, and lose neither field', async () => {
      const id = await make();
      const ends = ['https://example.org/one', 'https://example.org/two'];
      for (let round = 0; round < 5; round += 1) {
        const changes = [
          ...ends.map((url) => ({ url })),
          { description: `${round}` },
          { enabled: round % 2 === 1 },
        ];
        const answers = await Promise.all(changes.map((change) => patch(id, change)));
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 200, 200],
        );
        const { url, description, enabled } = await show(id);
        assert.ok(ends.includes(url));
        assert.deepEqual([description, enabled], [`${round}`, round % 2 === 1]);
      }
    });

    it('can be listed, set right and removed when their address opens no more', async () => {
      const [lost, fine] = [await make(), await make()];
      await api.sql(
        'update webhooks set sealed_url = (select sealed_url from webhooks where id = $2) where id = $1',
        [lost, fine],
      );
      const { body } = await call('');
      assert.deepEqual(
        body.data.map(({ id, url }: { id: string; url: string }) => [id, url]),
        [
          [fine, HOOK_URL],
          [lost, null],
        ],
      );
      assert.ok(api.logLines().some((line) => line.webhook_id === lost && line.level === 50));
      assert.equal((await patch(lost, { url: HOOK_URL })).body.url, HOOK_URL);
      assert.equal((await call(`/${lost}`, { method: 'DELETE' })).status, 204);
    });
  });

  describe('when they are removed', () => {
    it('are gone with their secrets and their log', async () => {
      const id = await make();
      await addDelivery(api, { userId: user.id, webhookId: id });
      assert.equal((await call(`/${id}`, { method: 'DELETE' })).status, 204);
      for (const method of ['GET', 'DELETE'])
        assert.equal((await call(`/${id}`, { method })).body.code, 'not_found');
      const left = await api.sql(
        `select (select count(*) from webhook_secrets where webhook_id = $1)
              + (select count(*) from webhook_deliveries where webhook_id = $1) as count`,
        [id],
      );
      assert.equal(left[0].count, '0');
    });

    it('are disabled and removed however long their log is', async () => {
      const id = await make();
      await api.sql(
        `insert into webhook_deliveries (id, webhook_id, event_id, sequence, type, next_attempt_at, created_at)
         select gen_random_uuid(), $1, gen_random_uuid(), n, 'video.ready', now(), now() from generate_series(1, 10001) n`,
        [id],
      );
      const states = () =>
        api.sql('select state, count(*)::int from webhook_deliveries where webhook_id = $1 group by 1', [id]);
      await patch(id, { enabled: false });
      assert.deepEqual(await states(), [{ state: 'cancelled', count: 10_001 }]);
      assert.equal((await call(`/${id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(await states(), []);
    });

    it('never break lists and changes of the same moment', async () => {
      const ids = await Promise.all(Array.from({ length: 12 }, () => make()));
      const answers = await Promise.all(
        ids.flatMap((id) => [
          call(`/${id}`, { method: 'DELETE' }),
          call('?limit=100'),
          patch(id, { enabled: false }),
          call(`/${id}/secrets`, { json: {} }),
          call(`/${id}/test`, { method: 'POST' }),
        ]),
      );
      const statuses = new Set(answers.map(({ status }) => status));
      assert.ok(
        [...statuses].every((status) => [200, 201, 202, 204, 404].includes(status)),
        [...statuses].join(),
      );
      assert.deepEqual((await call('')).body.data, []);
    });
  });
});
