import assert from 'node:assert/strict';
import { EVENT_PATTERNS, EVENT_TYPES } from '../../src/domain/event.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { dumpDatabase } from '../support/databaseDump.ts';
import { createLeakFinder } from '../support/leaks.ts';
import { uniqueName } from '../support/stack.ts';
import { addDelivery, addEvent, HOOK_URL, SECRET } from '../support/webhooks.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/;

describe('webhooks', () => {
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
  const countRows = async (): Promise<number> =>
    (await api.sql('select count(*)::int as count from webhooks where user_id = $1', [user.id]))[0].count;

  describe('when they are made', () => {
    it('show the secret once, and then everything else', async () => {
      const { status, headers, body } = await create({
        types: ['video.*', 'edit.failed'],
        description: 'Ours',
      });
      assert.equal(status, 201);
      assert.equal(headers.get('location'), `http://videoflow.test/v1/webhooks/${body.id}`);
      assert.equal(headers.get('cache-control'), 'no-store');
      const { secret, ...view } = body;
      assert.match(secret, SECRET);
      const { secrets, created_at, ...rest } = view;
      assert.match(created_at, INSTANT);
      assert.deepEqual(rest, {
        id: body.id,
        url: HOOK_URL,
        types: ['video.*', 'edit.failed'],
        description: 'Ours',
        enabled: true,
        disabled_reason: null,
        disabled_at: null,
        failing_since: null,
        updated_at: created_at,
      });
      assert.deepEqual(secrets, [{ id: secrets[0].id, created_at: secrets[0].created_at, expires_at: null }]);
      assert.deepEqual(await show(body.id), view);
      assert.deepEqual((await call('')).body, { data: [view], next_cursor: null });
    });

    it('keep address and secrets where a stolen dump does not show them, each tied to its row', async () => {
      const { body } = await create();
      const rotated = await call(`/${body.id}/secrets`, { json: {} });
      const other = await create();
      const shown: string[] = [body.secret, rotated.body.secret, other.body.secret];
      assert.equal(new Set(shown).size, 3);
      const leaks = createLeakFinder([
        { name: 'the address', text: HOOK_URL },
        { name: 'the token in it', text: 'very-secret?token=hidden' },
        ...shown.map((text) => ({ name: 'a secret', text, bytes: Buffer.from(text.slice(6), 'base64') })),
      ]);
      const dump = await dumpDatabase(api.databaseUrl);
      assert.match(dump.get('public.webhook_secrets') ?? '', /sealed1\.e1\./);
      const places = [...dump, ['the log', JSON.stringify(api.logLines())]] as [string, string][];
      assert.deepEqual(
        places.flatMap(([place, text]) => leaks.find(place, text)),
        [],
      );
      const { open } = createSealer(api.config.ENCRYPTION_KEYS);
      assert.equal(open((await row(body.id)).sealed_url, `webhooks/${body.id}`), HOOK_URL);
      const kept = await api.sql('select id, sealed from webhook_secrets where webhook_id = $1 order by id', [
        body.id,
      ]);
      assert.deepEqual(
        kept.map(({ id, sealed }) => open(sealed, `webhook_secrets/${id}`)),
        shown.slice(0, 2),
      );
    });

    it('store no secret and no address under an Idempotency-Key', async () => {
      const headers = { 'idempotency-key': uniqueName('key') };
      const [first, again] = [await create({}, headers), await create({}, headers)];
      assert.deepEqual([first.status, again.status], [201, 201]);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      assert.equal(first.body.secret_shown, undefined);
      assert.deepEqual(again.body, { ...first.body, secret: null, secret_shown: true, url: null });
      const reused = await create({ types: ['*'] }, headers);
      assert.deepEqual([reused.status, reused.body.code], [422, 'idempotency_key_reused']);
      assert.equal(await countRows(), 1);
    });

    it('begin at the present position of the feed', async () => {
      assert.equal((await row(await make())).cursor_sequence, '0');
      for (let event = 0; event < 3; event += 1) await addEvent(api, user.id);
      const { cursor_sequence, told_sequence } = await row(await make());
      assert.deepEqual([cursor_sequence, told_sequence], ['3', '3']);
    });

    it('may begin disabled', async () => {
      const { body } = await create({ enabled: false });
      assert.deepEqual([body.enabled, body.disabled_reason], [false, null]);
      assert.match(body.disabled_at, INSTANT);
    });

    it('name the wrong field, and what types there are', async () => {
      const id = await make();
      const rows = await countRows();
      const cases: [string, object][] = [
        ['url', { url: 1 }],
        ['url', { url: `https://example.com/${'a'.repeat(8192)}` }],
        ['url', { url: 'https://user:pass@example.com/' }],
        ['types', { types: 'video.ready' }],
        ['types.0', { types: ['video.uploaded'] }],
        ['types.1', { types: ['*', '**'] }],
        ['types.0', { types: ['webhook.ping'] }],
        ['types.0', { types: ['post.*'] }],
        ['types.0', { types: ['video.ready '] }],
        ['types.0', { types: [''] }],
        ['types', { types: Array(100).fill('*') }],
        ['description', { description: '' }],
        ['description', { description: 'a\nb' }],
        ['description', { description: 'a'.repeat(501) }],
        ['enabled', { enabled: 'yes' }],
        ['secret', { secret: 'whsec_mine' }],
      ];
      for (const [path, json] of cases) {
        for (const answer of [await create(json), await patch(id, json)]) {
          assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_request'], JSON.stringify(json));
          assert.equal(answer.body.errors[0].path, path);
        }
      }
      assert.equal((await call('', { json: {} })).body.errors[0].path, 'url');
      const { errors } = (await create({ types: ['video.uploaded'] })).body;
      for (const type of [...EVENT_TYPES, '*', 'video.*', 'webhook.*'])
        assert.ok(errors[0].message.includes(type));
      assert.equal(await countRows(), rows);
    });

    it('take every type and pattern, each once', async () => {
      const { status, body } = await create({ types: EVENT_PATTERNS });
      assert.deepEqual([status, body.types], [201, EVENT_PATTERNS]);
      assert.deepEqual((await create({ types: ['video.*', 'video.*'] })).body.types, ['video.*']);
      assert.deepEqual((await create({ types: [] })).body.types, []);
    });

    it('are no more than a user may have, however many are asked for at once', async () => {
      const small = await startApi({ MAX_WEBHOOKS: '3' });
      try {
        const [one, two] = [await small.makeUser(), await small.makeUser()];
        const post = ({ token }: TestUser) => small.call('/v1/webhooks', { token, json: { url: HOOK_URL } });
        const answers = await Promise.all(Array.from({ length: 8 }, () => post(one)));
        const refused = answers.filter(({ status }) => status !== 201);
        assert.equal(refused.length, 5);
        for (const { status, body } of refused)
          assert.deepEqual([status, body.code, body.retryable], [403, 'quota_exceeded', true]);
        assert.equal((await post(two)).status, 201);
        const [kept] = (await small.call('/v1/webhooks', { token: one.token })).body.data;
        await small.call(`/v1/webhooks/${kept.id}`, { method: 'DELETE', token: one.token });
        assert.equal((await post(one)).status, 201);
      } finally {
        await small.close();
      }
    });
  });

  describe('when they are changed', () => {
    it('change in what is given and nothing else', async () => {
      const id = await make({ types: ['video.*'], description: 'Ours' });
      const { updated_at: _, ...first } = await show(id);
      const changes: object[] = [
        { description: 'Theirs' },
        { description: null },
        { types: ['edit.*', 'share.created'] },
        { types: [] },
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

  it('are listed newest first, in pages', async () => {
    const ids = [await make(), await make(), await make()];
    const page = await call('?limit=2');
    const next = await call(`?limit=2&cursor=${page.body.next_cursor}`);
    const idsOf = ({ body }: Answer) => body.data.map(({ id }: { id: string }) => id);
    assert.deepEqual([idsOf(page), idsOf(next)], [[ids[2], ids[1]], [ids[0]]]);
    assert.equal(next.body.next_cursor, null);
    assert.equal((await call('?cursor=x')).status, 422);
  });
});
