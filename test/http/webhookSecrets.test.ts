import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { uniqueName } from '../support/stack.ts';
import { HOOK_URL, SECRET } from '../support/webhooks.ts';

describe('secrets of webhooks', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
  });
  after(() => api?.close());

  const call = (path: string, options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/webhooks${path}`, { token: user.token, ...options });
  const create = (): Promise<Answer> => call('', { json: { url: HOOK_URL } });
  const make = async (): Promise<string> => (await create()).body.id;
  const show = async (id: string) => (await call(`/${id}`)).body;
  const rotate = (id: string, json: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    call(`/${id}/secrets`, { json, headers });
  const live = async (id: string): Promise<{ id: string; expires_at: string | null }[]> =>
    (await show(id)).secrets;
  const expire = (secretId: string) =>
    api.sql("update webhook_secrets set expires_at = now() - interval '1 second' where id = $1", [secretId]);

  it('are rotated with a day of overlap, and shown once', async () => {
    const { body: made } = await create();
    const { status, body } = await rotate(made.id);
    assert.equal(status, 201);
    assert.match(body.secret, SECRET);
    assert.notEqual(body.secret, made.secret);
    assert.deepEqual(Object.keys(body).sort(), ['created_at', 'expires_at', 'id', 'secret']);
    const [newest, older] = await live(made.id);
    assert.deepEqual([newest?.id, newest?.expires_at], [body.id, null]);
    const leftMs = Date.parse(older?.expires_at ?? '') - Date.now();
    assert.ok(leftMs > 86_390_000 && leftMs <= 86_400_000, `${leftMs}`);
  });

  it('sign three at a time, and an older end is never put off', async () => {
    const id = await make();
    await rotate(id, { overlap_sec: 60 });
    const [, first] = await live(id);
    await rotate(id, { overlap_sec: 7 * 86_400 });
    const [, second, again] = await live(id);
    assert.deepEqual(again, first);
    const refused = await rotate(id, { overlap_sec: 3600 });
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.retryable],
      [409, 'not_possible', true],
    );
    assert.ok(refused.body.detail.includes(first?.expires_at), refused.body.detail);
    assert.deepEqual((await live(id)).slice(1), [second, first], 'a refusal changes nothing');
    await expire(first?.id ?? '');
    assert.equal((await live(id)).length, 2, 'what has ended is not shown');
    assert.equal((await rotate(id, { overlap_sec: 3600 })).status, 201);
    const ends = (await live(id)).map(({ expires_at }) => expires_at && Date.parse(expires_at) - Date.now());
    assert.equal(ends.length, 3);
    assert.ok(
      ends.slice(1).every((end) => end && end <= 3_600_000),
      `${ends}`,
    );
    const kept = await api.sql('select id from webhook_secrets where webhook_id = $1', [id]);
    assert.equal(kept.length, 3, 'what has ended is removed');
  });

  it('are all dead but the new one when one of them leaked', async () => {
    const id = await make();
    await rotate(id);
    await rotate(id);
    const { body } = await rotate(id, { overlap_sec: 0 });
    assert.deepEqual(
      (await live(id)).map((secret) => secret.id),
      [body.id],
    );
    const kept = await api.sql('select id from webhook_secrets where webhook_id = $1', [id]);
    assert.deepEqual(kept, [{ id: body.id }]);
  });

  it('are never more than three, however many are asked for at once', async () => {
    const id = await make();
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate(id)));
    const made = answers.filter(({ status }) => status === 201);
    assert.equal(made.length, 2);
    assert.equal(new Set(made.map(({ body }) => body.secret)).size, 2);
    assert.equal((await live(id)).filter(({ expires_at }) => expires_at === null).length, 1);
  });

  it('are not kept under an Idempotency-Key', async () => {
    const id = await make();
    const headers = { 'idempotency-key': uniqueName('key') };
    const [first, again] = [await rotate(id, {}, headers), await rotate(id, {}, headers)];
    assert.deepEqual(again.body, { ...first.body, secret: null, secret_shown: true });
    assert.equal((await live(id)).length, 2);
  });

  it('overlap for a week at most', async () => {
    const id = await make();
    for (const overlap_sec of [-1, 0.5, 604_801, '60', null]) {
      const { status, body } = await rotate(id, { overlap_sec });
      assert.deepEqual([status, body.errors?.[0]?.path], [422, 'overlap_sec'], `${overlap_sec}`);
    }
    assert.equal((await rotate(id, { overlap_sec: 604_800 })).status, 201);
    assert.equal((await rotate(uuidv7())).body.code, 'not_found');
  });
});
