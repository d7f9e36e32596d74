import assert from 'node:assert/strict';
import type { Account } from '../../src/db/entities/account.ts';
import { createFlows } from '../../src/flows.ts';
import { createLog } from '../../src/log.ts';
import { checkAccountId } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { rateLimited, serverError } from '../support/fakes/behaviours.ts';
import { createFlicRoutes, FlicWorld, flicUrl } from '../support/fakes/flic.ts';
import { type Fakes, startFakes } from '../support/fakes/server.ts';
import { createUploadPostRoutes, UploadPostWorld, uploadPostUrl } from '../support/fakes/uploadPost.ts';
import { historyText } from '../support/historyText.ts';
import { createAccountKeeper } from '../support/keptAccounts.ts';
import { uniqueName, waitFor } from '../support/stack.ts';

/** Each account has a name and a key of its own, so that tests need not wait for each other. */
const named = () => {
  const username = uniqueName('profile');
  return { username, key: `key-of-${username}` };
};

describe('checkAccount', () => {
  const uploadPost = new UploadPostWorld();
  const flic = new FlicWorld();
  let fakes: Fakes;
  let engine: TestEngine;
  let keeper: ReturnType<typeof createAccountKeeper>;
  /** Named in SERVICE_CREDENTIALS_USERS. */
  let favouredId = '';
  let favouredName = '';
  const service = named();

  before(async function () {
    this.timeout(60_000);
    fakes = await startFakes({ routes: [...createUploadPostRoutes(uploadPost), ...createFlicRoutes(flic)] });
    engine = await startTestEngine({
      ...{ UPLOAD_POST_BASE_URL: uploadPostUrl(fakes), FLIC_BASE_URL: flicUrl(fakes) },
      ...{ UPLOAD_POST_API_KEY: service.key, WORKER_QUEUES: 'workflows,notify', LOG_LEVEL: 'trace' },
    });
    keeper = createAccountKeeper(engine);
    favouredId = await engine.addUser();
    favouredName = (await engine.db.users.find(favouredId))?.username ?? '';
    start();
  });
  after(async () => {
    await engine?.close();
    await fakes?.close();
  });
  afterEach(() => fakes.behaveBy(() => undefined));

  const start = () => engine.startWorker({ SERVICE_CREDENTIALS_USERS: `Somebody,${favouredName}` });
  const check = (accountId: string, revision = 1, userId = engine.userId) =>
    engine.flows.checkAccount({ accountId, userId, revision });
  const handle = (accountId: string, revision = 1) =>
    engine.client.workflow.getHandle(checkAccountId(accountId, revision));
  const stateOf = ({ statusReason, needsReauth, checkedRevision }: Account) => [
    ...[statusReason ?? null, needsReauth, checkedRevision],
  ];
  const untilChecked = (id: string, revision = 1, userId = engine.userId) =>
    waitFor(
      async () => {
        const row = await keeper.find(id, userId);
        return row.checkedRevision >= revision ? row : null;
      },
      { what: `the check of ${id}`, timeoutMs: 60_000 },
    );
  const asked = (key: string) => fakes.requests.filter((request) => request.key === key);
  const typesOf = async (id: string) => (await keeper.told(id)).map(({ type }) => type);

  it('finds good credentials good, tells of it once and asks nobody again', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const id = await keeper.add({ key, username, platforms: ['tiktok'] });
    assert.deepEqual(stateOf(await keeper.find(id)), ['unchecked', false, 0]);
    await check(id);
    await handle(id).result();
    assert.deepEqual(stateOf(await keeper.find(id)), [null, false, 1]);
    const told = await keeper.told(id);
    assert.deepEqual(
      told.map(({ type, data }) => [type, data.status, data.status_reason]),
      [
        ['account.created', 'active', 'unchecked'],
        ['account.updated', 'active', null],
      ],
    );
    await check(id);
    await handle(id).result();
    assert.deepEqual([asked(key).length, (await keeper.told(id)).length], [1, 2]);
  });

  it('says what a profile lacks, or that there is none', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const lacking = await keeper.add({ key, username, platforms: ['tiktok', 'x'] });
    const missing = await keeper.add({ key, platforms: ['tiktok'] });
    await Promise.all([check(lacking), check(missing)]);
    assert.deepEqual(stateOf(await untilChecked(lacking)), ['platforms_not_connected', false, 1]);
    assert.deepEqual(stateOf(await untilChecked(missing)), ['profile_not_found', false, 1]);
    const lacks = await Promise.all(
      [lacking, missing].map(async (id) => (await keeper.told(id)).at(-1)?.data.unconnected_platforms),
    );
    assert.deepEqual(lacks, [['x'], []]);
  });

  it('asks Flic for an address', async () => {
    const { key } = named();
    flic.tokens.add(key);
    const [good, bad] = await Promise.all([
      keeper.add({ provider: 'flic', key }),
      keeper.add({ provider: 'flic', key: 'wrong' }),
    ]);
    await Promise.all([check(good), check(bad)]);
    assert.deepEqual(stateOf(await untilChecked(good)), [null, false, 1]);
    assert.deepEqual(stateOf(await untilChecked(bad)), ['credentials_refused', true, 1]);
  });

  it('wants others for those that are refused, and takes them', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const id = await keeper.add({ key: 'an old one', username, platforms: ['tiktok'] });
    await check(id);
    assert.deepEqual(stateOf(await untilChecked(id)), ['credentials_refused', true, 1]);
    const refused = (await keeper.told(id)).at(-1);
    assert.deepEqual(
      [refused?.type, refused?.data.status, refused?.data.status_reason],
      ['account.reauth_required', 'reauth_required', 'credentials_refused'],
    );
    const revision = await keeper.giveKey(id, key);
    assert.deepEqual(stateOf(await keeper.find(id)), ['unchecked', false, 1]);
    await check(id, revision);
    assert.deepEqual(stateOf(await untilChecked(id, revision)), [null, false, 2]);
    assert.deepEqual((await typesOf(id)).slice(-2), ['account.updated', 'account.updated']);
  });

  it('takes no trouble for a refusal, and asks until it is over, no sooner than is wanted', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const troubles = [rateLimited({ 'retry-after': '1.5' }), serverError()];
    fakes.behaveBy((request) => (request.key === key ? troubles.shift() : undefined));
    const id = await keeper.add({ key, username, platforms: ['tiktok'] });
    await check(id);
    await waitFor(() => asked(key).length === 2, { what: 'the second question', timeoutMs: 30_000 });
    assert.deepEqual(stateOf(await keeper.find(id)), ['unchecked', false, 0]);
    assert.deepEqual(stateOf(await untilChecked(id)), [null, false, 1]);
    const [first, second] = asked(key).map(({ receivedAt }) => receivedAt) as [number, number];
    assert.ok(second - first >= 1500, `${second - first} ms`);
    const noted = (await engine.workerLog()).filter(({ accountId }) => accountId === id);
    assert.deepEqual(new Set(noted.map(({ code }) => code)), new Set(['provider_unavailable']));
    assert.deepEqual([asked(key).length, await typesOf(id)], [3, ['account.created', 'account.updated']]);
  });

  it('lets the outcome of older credentials change nothing', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const old = `old-${key}`;
    const { promise: asking, resolve: isAsked } = Promise.withResolvers<void>();
    fakes.behaveBy((request) => {
      if (request.key !== old) return undefined;
      isAsked();
      return { kind: 'slow', ms: 1500 };
    });
    const id = await keeper.add({ key: old, username, platforms: ['tiktok'] });
    await check(id);
    await asking;
    const revision = await keeper.giveKey(id, key);
    await check(id, revision);
    assert.deepEqual(stateOf(await untilChecked(id, revision)), [null, false, 2]);
    const before = await typesOf(id);
    assert.equal(asked(old)[0]?.endedAt, null, 'the older one was over before it could be overtaken');
    await handle(id).result();
    assert.equal(asked(old)[0]?.status, 401);
    assert.deepEqual(stateOf(await keeper.find(id)), [null, false, 2]);
    assert.deepEqual(await typesOf(id), before);
    assert.ok(!before.includes('account.reauth_required'));
  });

  it('asks the same way when the worker was killed meanwhile', async function () {
    this.timeout(60_000);
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    let isFirst = true;
    fakes.behaveBy((request) => {
      if (request.key !== key || !isFirst) return undefined;
      isFirst = false;
      return { kind: 'hang' };
    });
    const id = await keeper.add({ key, username, platforms: ['tiktok'] });
    await check(id);
    await waitFor(() => asked(key).length === 1, { what: 'the question', timeoutMs: 30_000 });
    await engine.stopWorkers('SIGKILL');
    start();
    assert.deepEqual(stateOf(await untilChecked(id)), [null, false, 1]);
    assert.equal(asked(key).length, 2);
  });

  it('is begun by the reconciler where the engine was away, or an operator ended it without a word', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const [unknown, ended] = await Promise.all([
      keeper.add({ key, username, platforms: ['tiktok'] }),
      keeper.add({ key: `other-${key}`, platforms: ['tiktok'] }),
    ]);
    const config = { ...engine.config, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const away = createFlows({ config, log: createLog({ level: 'silent', program: 'test' }) });
    await away.checkAccount({ accountId: unknown, userId: engine.userId, revision: 1 });
    await away.close();
    fakes.behaveBy((request) => (request.key === `other-${key}` ? { kind: 'hang' } : undefined));
    await check(ended);
    await waitFor(() => asked(`other-${key}`).length === 1, { what: 'the question' });
    await handle(ended).terminate();
    fakes.behaveBy(() => undefined);
    assert.deepEqual(stateOf(await keeper.find(unknown)), ['unchecked', false, 0]);
    await keeper.sql(
      `update accounts set updated_at = now() - interval '1 minute' where id in ('${unknown}', '${ended}')`,
    );
    assert.deepEqual(stateOf(await untilChecked(unknown)), [null, false, 1]);
    assert.deepEqual(stateOf(await untilChecked(ended)), ['credentials_refused', true, 1]);
  });

  it('stays unchecked when it is given up, and is not begun again', async () => {
    const { key, username } = named();
    fakes.behaveBy((request) => (request.key === key ? { kind: 'hang' } : undefined));
    const id = await keeper.add({ key, username });
    await check(id);
    await waitFor(() => asked(key).length === 1, { what: 'the question' });
    await handle(id).cancel();
    await assert.rejects(handle(id).result());
    assert.deepEqual(stateOf(await keeper.find(id)), ['unchecked', false, 1]);
    await keeper.sql(`update accounts set updated_at = now() - interval '1 minute' where id = '${id}'`);
    const due = await engine.db.accountChecks.listUnchecked(null, new Date());
    assert.ok(!due.some(({ accountId }) => accountId === id));
    assert.deepEqual([asked(key).length, await typesOf(id)], [1, ['account.created']]);
  });

  it('opens no credentials of another row, and asks nobody with them', async () => {
    const { key, username } = named();
    uploadPost.addProfile(key, username, ['tiktok']);
    const [one, other] = await Promise.all([
      keeper.add({ key, username, platforms: ['tiktok'] }),
      keeper.add({ key: `other-${key}`, platforms: ['tiktok'] }),
    ]);
    await keeper.sql(
      `update accounts a set sealed_credentials = b.sealed_credentials from accounts b
       where (a.id, b.id) in (('${one}', '${other}'), ('${other}', '${one}'))`,
    );
    await Promise.all([check(one), check(other)]);
    for (const id of [one, other]) {
      assert.deepEqual(stateOf(await untilChecked(id)), ['credentials_unreadable', false, 1]);
      assert.equal((await keeper.told(id)).at(-1)?.data.status_reason, 'credentials_unreadable');
    }
    assert.deepEqual([asked(key).length, asked(`other-${key}`).length], [0, 0]);
    await check(one, await keeper.giveKey(one, key));
    assert.deepEqual(stateOf(await untilChecked(one, 2)), [null, false, 2]);
  });

  it('uses the key of the service for those alone that are named', async () => {
    uploadPost.addProfile(service.key, service.username, ['tiktok']);
    const wanted = { key: null, username: service.username, platforms: ['tiktok' as const] };
    const favoured = await keeper.add({ ...wanted, userId: favouredId });
    const [stranger, unserved] = await Promise.all([
      keeper.add(wanted),
      keeper.add({ provider: 'flic', key: null, userId: favouredId }),
    ]);
    await check(stranger);
    assert.deepEqual(stateOf(await untilChecked(stranger)), ['credentials_missing', false, 1]);
    await check(unserved, 1, favouredId);
    const row = await untilChecked(unserved, 1, favouredId);
    assert.deepEqual(stateOf(row), ['credentials_missing', false, 1]);
    assert.equal(asked(service.key).length, 0);
    await check(favoured, 1, favouredId);
    assert.deepEqual(stateOf(await untilChecked(favoured, 1, favouredId)), [null, false, 1]);
    assert.equal(asked(service.key).length, 1);
  });

  it('is nothing to do when its row is gone', async () => {
    const { key } = named();
    const id = await keeper.add({ key });
    await keeper.sql(`update accounts set deleted_at = now() where id = '${id}'`);
    await check(id);
    await handle(id).result();
    assert.equal(asked(key).length, 0);
  });

  it('is found by its user and account, and leaves no key in its history and in the log', async () => {
    const { key, username } = named();
    const id = await keeper.add({ key, username });
    await check(id);
    await untilChecked(id);
    await handle(id).result();
    const text = await historyText(engine.client, checkAccountId(id, 1));
    assert.ok(text.includes(id) && !text.includes(key) && !text.includes(username));
    assert.ok(!JSON.stringify(await engine.workerLog()).includes(key));
    const query = `VfAccount = '${id}' AND VfUser = '${engine.userId}'`;
    const isListed = async () => (await engine.client.workflow.count(query)).count === 1;
    await waitFor(isListed, { what: 'the run to be listed', timeoutMs: 20_000 });
  });
});
