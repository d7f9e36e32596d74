import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { IdempotencyQueries } from '../../src/db/idempotency.ts';
import { IdempotentCall } from '../../src/http/idempotency.ts';
import { HttpProblem } from '../../src/http/problem.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { playWorker, upload } from '../support/processedVideo.ts';
import { seededRandom, uniqueName } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const PASSWORD = 'correct horse battery';

describe('Idempotency-Key', () => {
  let api: TestApi;
  let admin: TestUser;
  before(async () => {
    api = await startApi();
    admin = await api.makeUser();
  });
  after(() => api.close());

  const create = (key: string, json: object, token = admin.token) =>
    api.call('/v1/users', { token, json, headers: { 'idempotency-key': key } });
  const newUser = () => ({ username: uniqueName('u'), password: PASSWORD });
  const keyRow = async (key: string) =>
    (await api.sql('select * from idempotency_keys where key = $1', [key]))[0];
  const countUsers = async (username: string) =>
    (await api.sql('select count(*)::int as n from users where username = $1', [username]))[0].n;

  /** A call as a process that handles a request makes it. */
  const makeCall = (key: string, signingKeys = api.config.SIGNING_KEYS, isAwaited = () => true) =>
    new IdempotentCall({
      db: api.db,
      signingKeys,
      userId: admin.id,
      route: 'post /v1/test',
      address: {},
      key,
      isAwaited,
    });
  const isProblem = (code: string) => (error: unknown) => error instanceof HttpProblem && error.code === code;

  describe('over HTTP', () => {
    it('answers a repetition with the first answer, to the letter', async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      const first = await create(key, json);
      const again = await create(key, json);
      assert.equal(first.status, 201);
      assert.equal(first.headers.get('idempotency-replayed'), null);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.equal(again.status, 201);
      assert.equal(JSON.stringify(again.body), JSON.stringify(first.body));
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      assert.equal(await countUsers(json.username), 1);
    });

    it('makes one object of ten requests at once, round after round', async () => {
      const random = seededRandom('idempotency');
      for (let round = 0; round < 10; round += 1) {
        const [key, json] = [`race-${round}-${random.int(0, 1e9)}`, newUser()];
        const answers = await Promise.all(Array.from({ length: 10 }, () => create(key, json)));
        const fresh = answers.filter((a) => a.status === 201 && !a.headers.get('idempotency-replayed'));
        assert.equal(fresh.length, 1, JSON.stringify(answers.map((a) => a.status)));
        for (const answer of answers) {
          if (answer.status === 201) assert.equal(answer.body.id, fresh[0]?.body.id);
          else {
            assert.equal(answer.body.code, 'idempotency_in_progress');
            assert.equal(answer.body.retryable, true);
            assert.ok(Number(answer.headers.get('retry-after')) > 0);
          }
        }
        assert.equal(await countUsers(json.username), 1);
        assert.equal((await create(key, json)).body.id, fresh[0]?.body.id);
      }
    });

    it('refuses another request under the same key', async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      await create(key, json);
      const other = await create(key, { ...json, name: 'other' });
      assert.equal(other.status, 422);
      assert.equal(other.body.code, 'idempotency_key_reused');
    });

    it("belongs to one user: another's is another key", async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      const second = await api.makeUser();
      assert.equal((await create(key, json)).status, 201);
      const theirs = await create(key, newUser(), second.token);
      assert.equal(theirs.status, 201);
      assert.equal(theirs.headers.get('idempotency-replayed'), null);
    });

    it('keeps a refusal that would stay the same, with the id of the new request', async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      await create(uniqueName('key'), json);
      const first = await create(key, json);
      const again = await create(key, json);
      assert.deepEqual([first.status, again.status], [409, 409]);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.equal(again.headers.get('content-type'), 'application/problem+json');
      assert.equal(again.body.request_id, again.headers.get('x-request-id'));
      assert.deepEqual({ ...again.body, request_id: '' }, { ...first.body, request_id: '' });
      assert.deepEqual(Object.keys(again.body), Object.keys(first.body));
    });

    it('keeps nothing of a request that did not begin', async () => {
      const key = uniqueName('key');
      assert.equal((await create(key, { username: 'x' })).status, 422);
      assert.equal(await keyRow(key), undefined);
      assert.equal((await create(key, newUser())).status, 201);
    });

    it('never stores a secret, nor a hash that could be guessed', async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      await create(key, json);
      const row = JSON.stringify(await keyRow(key));
      assert.ok(!row.includes(PASSWORD) && !/scrypt/.test(row));
      assert.match((await keyRow(key)).fingerprint, /^s1\.[0-9a-f]{64}$/);
    });

    it('lets a retry of a video happen once', async () => {
      const owner = await api.makeUser();
      const id = await upload(api, owner, videoBytes(2048, 'retried'));
      await playWorker(api, id).fail('source', 'corrupt_media');
      const retry = (key: string) =>
        api.call(`/v1/videos/${id}/retry`, {
          method: 'POST',
          token: owner.token,
          headers: { 'idempotency-key': key, prefer: 'wait=1' },
        });
      const first = await retry('retry-1');
      await playWorker(api, id, 2).fail('source', 'corrupt_media');
      const again = await retry('retry-1');
      assert.equal(first.status, 202);
      assert.equal(first.headers.get('preference-applied'), 'wait=1');
      // Waits again, and by now there is an end to tell.
      assert.equal(again.status, 200);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.equal(again.body.status, 'failed');
      assert.deepEqual(
        api.flowCalls.map(({ input }) => (input as { run: number }).run),
        [1, 2],
      );
      assert.ok(!JSON.stringify(await keyRow('retry-1')).includes('sig='), 'no signed address is kept');
    });

    it('must be printable and short', async () => {
      for (const key of ['x'.repeat(256), '\u00e9', 'a\tb']) {
        const answer = await create(key, newUser());
        assert.equal(answer.status, 422, key);
        assert.equal(answer.body.errors[0].path, 'Idempotency-Key');
      }
    });
  });

  describe('a lease', () => {
    const reply = { status: 201, body: { made: true } };

    it('of a dead holder is taken over after its time, and the dead one changes nothing', async () => {
      const key = uniqueName('key');
      const dead = makeCall(key);
      await dead.begin();
      await dead.identify({});
      await assert.rejects(makeCall(key).begin(), isProblem('idempotency_in_progress'));

      await api.sql(`update idempotency_keys set lease_until = now() - interval '1 ms' where key = $1`, [
        key,
      ]);
      const heir = makeCall(key);
      await heir.begin();
      await heir.identify({});
      let isWorkDone = false;
      const late = dead.commit(async () => {
        isWorkDone = true;
        return reply;
      });
      await assert.rejects(late, isProblem('idempotency_in_progress'));
      assert.equal(isWorkDone, false);
      await dead.release();
      assert.deepEqual(await heir.commit(async () => reply), reply);

      const repetition = makeCall(key);
      await repetition.begin();
      assert.deepEqual(await repetition.identify({}), {
        ...reply,
        headers: { 'Idempotency-Replayed': 'true' },
      });
    });

    it('goes to one heir only', async () => {
      for (let round = 0; round < 5; round += 1) {
        const key = uniqueName('key');
        const dead = makeCall(key);
        await dead.begin();
        await api.sql(`update idempotency_keys set lease_until = now() - interval '1 s' where key = $1`, [
          key,
        ]);
        const heirs = Array.from({ length: 10 }, () => makeCall(key));
        const outcomes = await Promise.allSettled(heirs.map((heir) => heir.begin()));
        assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
        await Promise.all([dead, ...heirs].map((call) => call.release()));
      }
    });

    it('is renewed by its holder alone', async () => {
      const key = uniqueName('key');
      const holder = makeCall(key);
      await holder.begin();
      const row = await keyRow(key);
      await api.sql(`update idempotency_keys set lease_until = now() + interval '1 s' where key = $1`, [key]);
      assert.equal(await api.db.idempotency.renew(row.id, 'somebody else'), false);
      assert.equal(await api.db.idempotency.renew(row.id, row.holder), true);
      const [{ left }] = await api.sql(
        'select extract(epoch from lease_until - now())::float as left from idempotency_keys where key = $1',
        [key],
      );
      assert.ok(left > 25 && left <= 30, `${left} s`);
      await holder.release();
      assert.equal(await keyRow(key), undefined);
    });

    it('is renewed as long as its client waits, and not a time more', async () => {
      const renew = mock.method(IdempotencyQueries.prototype, 'renew', async () => true);
      mock.timers.enable({ apis: ['setInterval'] });
      let isAwaited = true;
      const call = makeCall(uniqueName('key'), api.config.SIGNING_KEYS, () => isAwaited);
      try {
        await call.begin();
        mock.timers.tick(60_000);
        assert.equal(renew.mock.callCount(), 6);
        isAwaited = false;
        mock.timers.tick(60_000);
        assert.equal(renew.mock.callCount(), 6);
      } finally {
        mock.timers.reset();
        renew.mock.restore();
        await call.release();
      }
    });

    it('ends with trouble: nothing is kept, and the next request may try', async () => {
      const key = uniqueName('key');
      const failing = makeCall(key);
      await failing.begin();
      await failing.identify({});
      await assert.rejects(
        failing.commit(async () => {
          throw new Error('trouble');
        }),
        /trouble/,
      );
      await failing.refuse({ status: 500 }, false);
      assert.equal(await keyRow(key), undefined);
    });

    it('commits the object and the answer together or not at all', async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      const failing = makeCall(key);
      await failing.begin();
      await failing.identify({});
      const work = failing.commit(async ({ users }) => {
        await users.insert({ username: json.username, passwordHash: 'none', name: null, scopes: [] });
        return { status: 201, body: { bad: 1n } };
      });
      await assert.rejects(work, TypeError);
      assert.equal(await countUsers(json.username), 0);
      await failing.release();
    });

    it('keeps a substitute where the answer shows a secret', async () => {
      const key = uniqueName('key');
      const call = makeCall(key);
      await call.begin();
      await call.identify({});
      const shown = { status: 201, body: { secret: 's3cret' }, storedBody: { secret_shown: true } };
      assert.deepEqual((await call.commit(async () => shown)).body, { secret: 's3cret' });
      assert.ok(!JSON.stringify(await keyRow(key)).includes('s3cret'));
      const repetition = makeCall(key);
      await repetition.begin();
      assert.deepEqual((await repetition.identify({}))?.body, { secret_shown: true });
    });
  });

  describe('the signing keys', () => {
    it('may be rotated under a kept key', async () => {
      const key = uniqueName('key');
      const [old] = api.config.SIGNING_KEYS;
      const first = makeCall(key);
      await first.begin();
      await first.identify({ a: 1 });
      await first.commit(async () => ({ status: 200, body: 1 }));
      const next = { id: 's2', bytes: Buffer.alloc(32, 7) };
      assert.ok(old);
      const again = makeCall(key, [next, old]);
      await again.begin();
      assert.equal((await again.identify({ a: 1 }))?.body, 1);
      await assert.rejects(again.identify({ a: 2 }), isProblem('idempotency_key_reused'));
    });
  });

  describe('after seven days', () => {
    it('a key is free again, and is removed', async () => {
      const [key, json] = [uniqueName('key'), newUser()];
      await create(key, json);
      await api.sql(`update idempotency_keys set created_at = now() - interval '7 days 1 s' where key = $1`, [
        key,
      ]);
      const fresh = await create(key, newUser());
      assert.equal(fresh.status, 201);
      assert.equal(fresh.headers.get('idempotency-replayed'), null);
      await api.sql(`update idempotency_keys set created_at = now() - interval '8 days' where key = $1`, [
        key,
      ]);
      assert.ok((await api.db.idempotency.removeExpired()) >= 1);
      assert.equal(await keyRow(key), undefined);
    });
  });
});
