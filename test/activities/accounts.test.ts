import assert from 'node:assert/strict';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createCheckRepeater } from '../../activities/accountReconciliation.ts';
import { createAccountActivities } from '../../activities/accounts.ts';
import { toFailure } from '../../activities/failures.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { type Config, loadConfig, makeRingKey } from '../../src/config.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { createLog } from '../../src/log.ts';
import { createPublishers } from '../../src/publishers/index.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import type { Behaviour } from '../support/fakes/behaviours.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { startFakeUploadPost, UploadPostWorld, uploadPostUrl } from '../support/fakes/uploadPost.ts';
import { createAccountKeeper } from '../support/keptAccounts.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';

const silent = createLog({ level: 'silent', program: 'test' });
const DAY_MS = 24 * 3600 * 1000;
const [OLD_KEY, NEW_KEY] = [makeRingKey('old'), makeRingKey('new')];
const BOSS = 'boss';

const answering = (status: number, headers = {}): Behaviour => ({
  ...{ kind: 'answer', status, body: {}, headers },
});

describe('checks of accounts, one at a time', () => {
  const world = new UploadPostWorld();
  let fakes: Fakes;
  let database: TestDatabase;
  let db: Db;
  let keeper: ReturnType<typeof createAccountKeeper>;
  let logged = '';
  const log = createLog(
    { level: 'warn', program: 'test' },
    {
      write: (line) => {
        logged += line;
      },
    },
  );

  before(async () => {
    fakes = await startFakeUploadPost(world);
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url, poolMax: 2 });
    const user = { username: BOSS, passwordHash: 'x', name: null, scopes: [] };
    const { id: userId } = await db.users.insert(user);
    keeper = createAccountKeeper({ config: configOf(), db, userId });
  });
  after(async () => {
    await db?.close();
    await database?.drop();
    await fakes?.close();
  });
  afterEach(() => fakes.reset());

  const configOf = (env: Record<string, string> = {}): Config =>
    loadConfig({
      ...{ DATABASE_URL: database.url, SIGNING_KEYS: OLD_KEY, ENCRYPTION_KEYS: OLD_KEY },
      ...{ UPLOAD_POST_BASE_URL: uploadPostUrl(fakes), SERVICE_CREDENTIALS_USERS: BOSS, ...env },
    });
  const activitiesOf = (env: Record<string, string> = {}) => {
    const config = configOf(env);
    return createAccountActivities({
      ...{ config, db, log, sealer: createSealer(config.ENCRYPTION_KEYS) },
      publishers: createPublishers({ config }),
    } as ActivityDeps);
  };
  /** Checks as one worker does. @throws what the engine would hear */
  const check = async (id: string, env: Record<string, string> = {}, ownerId?: string): Promise<string> => {
    const { checkCredentials } = activitiesOf(env);
    const { credentialsRevision: revision } = await keeper.find(id, ownerId);
    const activity = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const checked: Promise<string> = activity.run(checkCredentials, { accountId: id, revision });
    return checked.catch((error: unknown) => {
      throw toFailure(error, silent);
    });
  };
  const failureOf = async (checked: Promise<unknown>): Promise<ApplicationFailure> =>
    checked.then(
      () => assert.fail('it was checked'),
      (error: unknown) => error as ApplicationFailure,
    );
  const stateOf = async (id: string) => {
    const { statusReason, needsReauth, checkedRevision } = await keeper.find(id);
    return [statusReason ?? null, needsReauth, checkedRevision];
  };
  const add = (key: string | null) => {
    const username = uniqueName('profile');
    if (key !== null) world.addProfile(key, username, ['tiktok']);
    return keeper.add({ key, username, platforms: ['tiktok'] });
  };
  const passDay = (id: string) =>
    keeper.sql(`update accounts set checked_at = now() - interval '25 hours' where id = '${id}'`);

  it('fail where the worker lacks a key of the ring, and say nothing of the account', async () => {
    const id = await add('sealed');
    const failure = await failureOf(check(id, { ENCRYPTION_KEYS: NEW_KEY }));
    assert.deepEqual([failure.type, failure.nonRetryable], ['secret_key_unknown', false]);
    assert.deepEqual(await stateOf(id), ['unchecked', false, 0]);
    assert.equal(await check(id, { ENCRYPTION_KEYS: `${NEW_KEY},${OLD_KEY}` }), 'checked');
    assert.deepEqual(await stateOf(id), [null, false, 1]);
  });

  it('that no worker had the key for until they were given up ask for others, and are asked about again', async () => {
    const id = await add('lost');
    const end = { accountId: id, revision: 1 };
    await activitiesOf({ ENCRYPTION_KEYS: NEW_KEY }).giveUpCheck(end);
    assert.deepEqual(await stateOf(id), ['credentials_unreadable', false, 1]);
    await passDay(id);
    assert.equal(await db.accountChecks.raiseUnwell(new Date(Date.now() - DAY_MS)), 1);
    await check(id);
    assert.deepEqual(await stateOf(id), [null, false, 2]);
    const away = await add('away');
    await activitiesOf().giveUpCheck({ ...end, accountId: away });
    assert.deepEqual(
      await stateOf(away),
      ['unchecked', false, 1],
      'nothing is wrong with these as far as is known',
    );
  });

  it('want other credentials for own ones alone; the service’s are asked about again once they may be mended', async () => {
    const own = await add('own');
    fakes.behave(answering(403));
    await check(own);
    assert.deepEqual(await stateOf(own), ['credentials_refused', true, 1]);
    const served = await add(null);
    assert.equal(logged, '');
    await check(served, { UPLOAD_POST_API_KEY: 'misspelled' });
    assert.deepEqual(await stateOf(served), ['service_credentials_refused', false, 1]);
    assert.deepEqual((await keeper.told(served)).at(-1)?.data.status, 'active');
    assert.match(logged, /a provider refuses the credentials of the service/);
    assert.ok(!logged.includes('misspelled'));
    assert.equal(await check(served), 'overtaken', 'it is over until it is asked anew');
    world.addProfile('spelled', (await keeper.find(served)).username, ['tiktok']);
    await Promise.all([own, served].map(passDay));
    assert.equal(await db.accountChecks.raiseUnwell(new Date(Date.now() - DAY_MS)), 1);
    await check(served, { UPLOAD_POST_API_KEY: 'spelled' });
    assert.deepEqual(await stateOf(served), [null, false, 2]);
  });

  it('tell which platforms are not connected, also when only these have changed', async () => {
    const key = 'lacking';
    const username = uniqueName('profile');
    const id = await keeper.add({ key, username, platforms: ['tiktok', 'x', 'reddit'] });
    const seen: unknown[] = [];
    for (const connected of [['tiktok'], ['tiktok', 'x'], ['tiktok', 'x', 'reddit'], []] as const) {
      world.addProfile(key, username, [...connected]);
      await check(id);
      const { type, data } = (await keeper.told(id)).at(-1) ?? assert.fail();
      seen.push([type, data.status_reason, data.unconnected_platforms]);
      await keeper.sql(
        `update accounts set credentials_revision = credentials_revision + 1 where id = '${id}'`,
      );
    }
    assert.deepEqual(seen, [
      ['account.updated', 'platforms_not_connected', ['x', 'reddit']],
      ['account.updated', 'platforms_not_connected', ['reddit']],
      ['account.updated', null, []],
      ['account.updated', 'platforms_not_connected', ['tiktok', 'x', 'reddit']],
    ]);
  });

  it('open no credentials for another owner of the same row', async () => {
    const id = await add('whose');
    const user = { username: uniqueName('other'), passwordHash: 'x', name: null, scopes: [] };
    const { id: otherId } = await db.users.insert(user);
    await keeper.sql(`update accounts set user_id = '${otherId}' where id = '${id}'`);
    await assert.rejects(keeper.find(id));
    assert.equal(await check(id, {}, otherId), 'checked');
    const { statusReason, needsReauth } = await keeper.find(id, otherId);
    assert.deepEqual(
      [statusReason, needsReauth, fakes.requests.length],
      ['credentials_unreadable', false, 0],
    );
  });

  it('wait for an hour at most, however long the provider wants', async () => {
    const id = await add('patient');
    const delays = [];
    for (const retryAfter of ['7', '86400', '99999999']) {
      fakes.behave(answering(503, { 'retry-after': retryAfter }));
      const { type, nextRetryDelay } = await failureOf(check(id));
      assert.equal(type, 'provider_unavailable');
      delays.push(nextRetryDelay);
    }
    assert.deepEqual(delays, [7000, 3_600_000, 3_600_000]);
  });

  it('are begun anew a day after they came to nothing or to something wrong, some hundred at a time', async () => {
    const id = await add('unwell');
    await db.accountChecks.giveUp({ accountId: id, revision: 1 });
    assert.deepEqual(await stateOf(id), ['unchecked', false, 1]);
    const due = () => db.accountChecks.raiseUnwell(new Date(Date.now() - DAY_MS));
    assert.equal(await due(), 0);
    await passDay(id);
    assert.equal(await due(), 1);
    assert.equal(await due(), 0, 'it is being asked about');
    await check(id);
    await passDay(id);
    assert.deepEqual([await stateOf(id), await due()], [[null, false, 2], 0]);
    await keeper.sql(
      `insert into accounts select (jsonb_populate_record(a, jsonb_build_object(
         'id', gen_random_uuid(), 'username', n::text, 'status_reason', 'profile_not_found'))).*
       from accounts a, generate_series(1, 450) n where a.id = '${id}'`,
    );
    assert.deepEqual([await due(), await due(), await due(), await due()], [200, 200, 50, 0]);
    await beginsSome();
  });

  /** Of the 450 that are due. */
  async function beginsSome() {
    await keeper.sql(`update accounts set updated_at = now() - interval '1 minute'`);
    const unchecked = (await db.accountChecks.listUnchecked(null, new Date())).slice(0, 3);
    const started = new Set<string>();
    let [looks, starts] = [0, 0];
    const flows = {
      async *listOpenChecks() {
        looks += 1;
        yield* unchecked;
      },
      async checkAccount({ accountId }: { accountId: string }) {
        starts += 1;
        // One does not get through at first.
        if (starts > 1) started.add(accountId);
        return starts > 1;
      },
    };
    const repeatChecks = createCheckRepeater({ db, flows } as unknown as ActivityDeps);
    const pass = () => new MockActivityEnvironment().run(repeatChecks);
    assert.deepEqual([await pass(), starts, looks], [true, 200, 1]);
    const answers = [await pass(), await pass()];
    assert.deepEqual([answers, looks], [[true, false], 3]);
    const isBegun = unchecked.map(({ accountId }) => started.has(accountId));
    assert.deepEqual(isBegun, [false, false, false]);
    assert.deepEqual([await pass(), looks], [false, 3], 'all are known to be under way');
    assert.equal(starts, started.size + 1);
  }
});
