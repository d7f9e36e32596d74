import assert from 'node:assert/strict';
import { createSealer, SealedTextError } from '../../src/secrets/sealing.ts';
import { type AccountCaller, createAccountCaller, refusalOf } from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { dumpDatabase } from '../support/databaseDump.ts';
import { createLeakFinder } from '../support/leaks.ts';
import { uniqueName } from '../support/stack.ts';

const API_KEY = 'canary-of-upload-post-0123456789abcdef';
const FLIC_TOKEN = 'canary-of-flic-fedcba9876543210abcdef';
const OWN = { provider: 'upload_post', credentials: { api_key: API_KEY } };

describe('the credentials of accounts', () => {
  let api: TestApi;
  let user: TestUser;
  let me: AccountCaller;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    me = createAccountCaller(api, user);
  });
  after(() => api?.close());

  const row = async (id: string) => (await api.sql('select * from accounts where id = $1', [id]))[0];
  const isFoundIn = (text: string) =>
    createLeakFinder([
      { name: 'the key', text: API_KEY },
      { name: 'the token', text: FLIC_TOKEN },
    ]).find('here', text);

  it('are kept sealed and tied to their row, and shown to nobody', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    const fields = { ...OWN, username: uniqueName('account') };
    const answers = [await me.create(fields, headers), await me.create(fields, headers)];
    const id = answers[0]?.body.id;
    assert.deepEqual(answers[1]?.body, answers[0]?.body);
    assert.equal(answers[1]?.headers.get('idempotency-replayed'), 'true');
    answers.push(
      await me.create({ ...fields, credentials: { api_key: `${API_KEY}x` } }, headers),
      await me.create(fields),
      await me.create({ ...OWN, credentials: { flic_token: FLIC_TOKEN } }),
      await me.create({ ...OWN, provider: 'test' }),
      await me.patch(id, { credentials: { api_key: API_KEY, flic_token: FLIC_TOKEN } }),
      await me.patch(id, { credentials: { api_key: `${API_KEY}\n${FLIC_TOKEN}` } }),
      await me.put(id, { ...fields, platforms: ['x'] }),
      await me.call(`/accounts/${id}`),
      await me.call('/accounts'),
      await me.call('/events'),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).join(),
      '201,201,422,409,422,422,422,422,200,200,200,200',
    );
    const places = [...(await dumpDatabase(api.databaseUrl)).values()];
    const shown = answers.map(({ headers: sent, body }) => JSON.stringify([...sent, body]));
    for (const text of [...places, ...shown, JSON.stringify([api.logLines(), api.flowCalls])])
      assert.deepEqual(isFoundIn(text), []);
    const { open } = createSealer(api.config.ENCRYPTION_KEYS);
    const { sealed_credentials } = await row(id);
    const place = `users/${user.id}/accounts/${id}`;
    assert.deepEqual(JSON.parse(open(sealed_credentials, place)), { api_key: API_KEY });
    const other = '01a1fcc3-b906-7071-a82d-b5032f01439d';
    for (const part of [id, user.id])
      assert.throws(() => open(sealed_credentials, place.replace(part, other)), SealedTextError);
  });

  it('have to be given, but where the user may use the service’s', async () => {
    const env = { UPLOAD_POST_API_KEY: API_KEY, SERVICE_CREDENTIALS_USERS: 'someone, Served' };
    const serving = await startApi(env);
    try {
      const row = { username: 'served', passwordHash: 'none', name: null, scopes: [] };
      const { id: userId } = await serving.db.users.insert({ ...row, scopes: ['read', 'publish'] });
      const token = await serving.makeToken(userId);
      const served = createAccountCaller(serving, { id: userId, username: 'served', token });
      const { status, body } = await served.create({ provider: 'upload_post' });
      assert.deepEqual([status, body.credentials, body.status_reason], [201, 'service', 'unchecked']);
      assert.equal((await served.create({ provider: 'upload_post', credentials: null })).status, 201);
      assert.equal((await served.create({ ...OWN })).body.credentials, 'own');
      const refusal = '422 invalid_request credentials';
      assert.equal(
        refusalOf(await served.create({ provider: 'flic', platforms: undefined })),
        refusal,
        'no key',
      );
      const other = createAccountCaller(serving, await serving.makeUser());
      // Whose end user is called so is not asked.
      const bare = { provider: 'upload_post', user_id: 'served', username: 'served' };
      assert.equal(refusalOf(await other.create(bare)), refusal);
      const own = await other.make({ ...OWN, ...bare });
      assert.equal(refusalOf(await other.patch(own, { credentials: null })), refusal);
      const back = await served.patch(body.id, { credentials: { api_key: API_KEY } });
      assert.equal(back.body.credentials, 'own');
      assert.equal((await served.patch(body.id, { credentials: null })).body.credentials, 'service');
    } finally {
      await serving.close();
    }
  });
});
