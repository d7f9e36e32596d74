import assert from 'node:assert/strict';
import { EVENT_PATTERNS, EVENT_TYPES } from '../../src/domain/event.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { dumpDatabase } from '../support/databaseDump.ts';
import { createLeakFinder } from '../support/leaks.ts';
import { uniqueName } from '../support/stack.ts';
import { addEvent, HOOK_URL, SECRET } from '../support/webhooks.ts';

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
        ['types', { types: [] }],
        ['types.0', { types: ['video.uploaded'] }],
        ['types.1', { types: ['*', '**'] }],
        ['types.0', { types: ['webhook.ping'] }],
        ['types.0', { types: ['posts.*'] }],
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
      assert.deepEqual((await create()).body.types, ['*']);
      const id = await make({ types: ['video.*'] });
      await api.sql(`update webhooks set types = '{}' where id = $1`, [id]);
      assert.deepEqual((await show(id)).types, ['*'], 'kept as nothing, which is everything');
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
