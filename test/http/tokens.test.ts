import assert from 'node:assert/strict';
import pg from 'pg';
import { createFirstUser } from '../../src/db/firstUser.ts';
import { hashToken, makeToken } from '../../src/secrets/token.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { uniqueName, waitFor } from '../support/stack.ts';

const PASSWORD = 'correct horse battery';

describe('tokens and users', () => {
  let api: TestApi;
  let admin: TestUser;
  before(async () => {
    api = await startApi();
    admin = await api.makeUser();
  });
  after(() => api.close());

  /** A user that can log in. */
  async function register(fields: object = {}) {
    const username = uniqueName('ada');
    const json = { username, password: PASSWORD, ...fields };
    const answer = await api.call('/v1/users', { token: admin.token, json });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body as { id: string; username: string; scopes: string[] };
  }
  const login = (json: object) => api.call('/v1/tokens', { json });
  /** Runs statements in a transaction that stays open until `work` has come as far as to wait for it. */
  async function meanwhile<T>(statement: string, values: unknown[], work: () => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
    try {
      await client.query('begin');
      await client.query(statement, values);
      let isDone = false;
      const working = work().finally(() => {
        isDone = true;
      });
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await waitFor(async () => isDone || (await api.sql(waiting)).length > 0, { what: 'the work to wait' });
      await client.query('commit');
      return await working;
    } finally {
      await client.end();
    }
  }
  const me = async (token: string) => (await api.call('/v1/me', { token })).status;

  describe('a login', () => {
    it('gives a token that works, and stores only its hash', async () => {
      const user = await register();
      const answer = await login({ username: user.username, password: PASSWORD, name: 'laptop' });
      assert.equal(answer.status, 201);
      assert.match(answer.body.token, /^vf_[\w-]{43}$/);
      assert.deepEqual(answer.body.scopes, ['read', 'write', 'publish']);
      assert.equal(await me(answer.body.token), 200);
      const [row] = await api.sql('select * from tokens where id = $1', [answer.body.id]);
      assert.equal(row.hash, hashToken(answer.body.token));
      assert.ok(!JSON.stringify(row).includes(answer.body.token));
      assert.ok(!JSON.stringify(api.logLines()).includes(answer.body.token));
    });

    it('takes the username in any case, as it cannot be taken twice', async () => {
      const user = await register();
      assert.equal((await login({ username: user.username.toUpperCase(), password: PASSWORD })).status, 201);
      const json = { username: user.username.toUpperCase(), password: PASSWORD };
      const twin = await api.call('/v1/users', { token: admin.token, json });
      assert.equal(twin.body.code, 'already_exists');
    });

    it('answers an unknown user as it answers a wrong password, in content and in time', async () => {
      const user = await register();
      const tries = async (username: string) => {
        const durations: number[] = [];
        let answer = await login({ username, password: 'wrong' });
        for (let round = 0; round < 7; round += 1) {
          const startedAt = performance.now();
          answer = await login({ username, password: 'wrong' });
          durations.push(performance.now() - startedAt);
        }
        return { answer, medianMs: durations.sort((a, b) => a - b)[3] ?? 0 };
      };
      const known = await tries(user.username);
      const unknown = await tries(uniqueName('nobody'));
      assert.equal(known.answer.headers.get('www-authenticate'), 'Bearer realm="videoflow"');
      const comparable = ({ body }: typeof known.answer) => ({ ...body, request_id: '' });
      assert.equal(known.answer.body.code, 'invalid_credentials');
      assert.deepEqual(comparable(known.answer), comparable(unknown.answer));
      assert.deepEqual([...known.answer.headers.keys()], [...unknown.answer.headers.keys()]);
      // Without the hash of nobody's password the unknown one would take a fiftieth of the time.
      const ratio = known.medianMs / unknown.medianMs;
      assert.ok(ratio > 0.5 && ratio < 2, `${known.medianMs} ms against ${unknown.medianMs} ms`);
    });

    it('gives less than the user may, never more', async () => {
      const user = await register({ scopes: ['read', 'write'] });
      const credentials = { username: user.username, password: PASSWORD };
      const narrow = await login({ ...credentials, scopes: ['read'] });
      assert.deepEqual(narrow.body.scopes, ['read']);
      const patch = await api.call('/v1/me', {
        method: 'PATCH',
        token: narrow.body.token,
        json: { name: 'x' },
      });
      assert.equal(patch.status, 403);
      assert.equal(patch.body.code, 'insufficient_scope');
      assert.match(patch.headers.get('www-authenticate') ?? '', /scope="write"/);
      const wide = await login({ ...credentials, scopes: ['read', 'admin'] });
      assert.equal(wide.body.code, 'invalid_request');
      assert.equal(wide.body.errors[0].path, 'scopes');
    });

    it('gives a token that ends when it should', async () => {
      const user = await register();
      const answer = await login({ username: user.username, password: PASSWORD, expires_in: 3600 });
      const leftMs = Date.parse(answer.body.expires_at) - Date.now();
      assert.ok(leftMs > 3_590_000 && leftMs <= 3_600_000);
      await api.sql(`update tokens set expires_at = now() - interval '1 ms' where id = $1`, [answer.body.id]);
      assert.equal(await me(answer.body.token), 401);
    });

    it('is refused when the password it was checked against is changed before it ends', async () => {
      const user = await register();
      const changing = `update users set password_hash = 'another' where id = $1`;
      const answer = await meanwhile(changing, [user.id], () =>
        login({ username: user.username, password: PASSWORD }),
      );
      assert.equal(answer.body.code, 'invalid_credentials', JSON.stringify(answer.body));
      assert.equal((await api.sql('select 1 from tokens where user_id = $1', [user.id])).length, 0);
    });

    it('is refused when its user is deleted before it ends', async () => {
      const user = await register();
      const answer = await meanwhile('delete from users where id = $1', [user.id], () =>
        login({ username: user.username, password: PASSWORD }),
      );
      assert.equal(answer.status, 401);
      assert.equal(answer.body.code, 'invalid_credentials');
    });

    it('takes no Idempotency-Key and keeps no answer', async () => {
      const user = await register();
      const options = {
        json: { username: user.username, password: PASSWORD },
        headers: { 'idempotency-key': 'login' },
      };
      const [first, second] = [await api.call('/v1/tokens', options), await api.call('/v1/tokens', options)];
      assert.notEqual(first.body.token, second.body.token);
      const rows = await api.sql(`select 1 from idempotency_keys where key = 'login'`);
      assert.equal(rows.length, 0);
    });
  });

  describe('a token', () => {
    it('is refused in every wrong form with 401 and a challenge', async () => {
      const forms = [
        'Bearer',
        'Bearer x',
        `Bearer ${admin.token}x`,
        `Bearer ${admin.token.slice(0, -1)}${admin.token.endsWith('A') ? 'Q' : 'A'}`,
        `Basic ${admin.token}`,
        admin.token,
        `Bearer ${hashToken(admin.token)}`,
        "Bearer vf_' or 1=1 --",
      ];
      for (const authorization of forms) {
        const answer = await api.call('/v1/me', { headers: { authorization } });
        assert.equal(answer.status, 401, authorization);
        assert.equal(answer.body.code, 'unauthorized');
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/);
      }
      const bare = await api.call('/v1/me');
      assert.equal(bare.headers.get('www-authenticate'), 'Bearer realm="videoflow"');
      const lower = await api.call('/v1/me', { headers: { authorization: `bearer ${admin.token}` } });
      assert.equal(lower.status, 200);
    });

    it('is dead at once when revoked, and only its owner or an administrator may do that', async () => {
      const [owner, other] = [
        await api.makeUser({ scopes: ['read', 'write'] }),
        await api.makeUser({ scopes: ['write'] }),
      ];
      const token = await api.makeToken(owner.id, { scopes: ['read'] });
      const listed = await api.call('/v1/tokens', { token: owner.token });
      const id = listed.body.data[0].id;
      const revoke = (by: string) => api.call(`/v1/tokens/${id}`, { method: 'DELETE', token: by });
      assert.equal((await revoke(other.token)).status, 404);
      assert.equal(await me(token), 200);
      assert.equal((await revoke(owner.token)).status, 204);
      assert.equal(await me(token), 401);
      assert.equal((await revoke(owner.token)).status, 404);
      const left = await api.call('/v1/tokens', { token: owner.token });
      assert.deepEqual(
        left.body.data.map((view: { id: string }) => view.id),
        listed.body.data.slice(1).map((view: { id: string }) => view.id),
      );
      const theirs = await api.call(`/v1/tokens?owner_id=${owner.id}`, { token: admin.token });
      assert.equal(
        (await api.call(`/v1/tokens/${theirs.body.data[0].id}`, { method: 'DELETE', token: admin.token }))
          .status,
        204,
      );
      assert.equal(await me(owner.token), 401);
      const curious = await api.call(`/v1/tokens?owner_id=${admin.id}`, {
        token: (await api.makeUser({ scopes: ['read'] })).token,
      });
      assert.equal(curious.body.code, 'insufficient_scope');
    });

    it('notes its last use at most once a minute', async () => {
      const user = await api.makeUser();
      const lastUse = async () =>
        (await api.sql('select last_used_at from tokens where user_id = $1', [user.id]))[0].last_used_at;
      assert.equal(await lastUse(), null);
      await me(user.token);
      const first = await lastUse();
      await me(user.token);
      assert.deepEqual(await lastUse(), first);
      await api.sql(`update tokens set last_used_at = now() - interval '61 s' where user_id = $1`, [user.id]);
      await me(user.token);
      assert.ok((await lastUse()) > first);
    });

    it('loses a scope at once when its user does', async () => {
      const user = await api.makeUser();
      const json = { scopes: ['read'] };
      await api.call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin.token, json });
      const answer = await api.call('/v1/me', { method: 'PATCH', token: user.token, json: { name: 'x' } });
      assert.equal(answer.status, 403);
    });
  });

  describe('me', () => {
    it('changes what it names and nothing else', async () => {
      const user = await api.makeUser();
      const patch = (json: object) => api.call('/v1/me', { method: 'PATCH', token: user.token, json });
      await patch({
        name: 'Ada',
        time_zone: 'Europe/Berlin',
        telegram_chat: '-100123',
        notices: { 'video.failed': true },
      });
      const answer = await patch({ notices: { 'video.ready': false } });
      assert.deepEqual(
        { ...answer.body, id: '', created_at: '' },
        {
          id: '',
          created_at: '',
          username: user.username,
          scopes: ['read', 'write', 'publish', 'admin'],
          name: 'Ada',
          time_zone: 'Europe/Berlin',
          telegram_chat: '-100123',
          telegram_off_reason: null,
          notices: { 'video.failed': true, 'video.ready': false },
        },
      );
      assert.equal((await patch({ name: null, telegram_chat: null })).body.name, null);
      for (const time_zone of ['Mars/Olympus', '+01:00', '', 'Europe/Berlin; drop']) {
        assert.equal((await patch({ time_zone })).status, 422, time_zone);
      }
    });

    it('changes the password against the current one, and every other token dies', async () => {
      const user = await register();
      const credentials = { username: user.username, password: PASSWORD };
      const [mine, other] = [(await login(credentials)).body.token, (await login(credentials)).body.token];
      const patch = (json: object) => api.call('/v1/me', { method: 'PATCH', token: mine, json });
      const password = 'a new password';
      assert.equal((await patch({ password })).body.errors[0].path, 'current_password');
      assert.equal(
        (await patch({ password, current_password: 'wrong' })).body.errors[0].path,
        'current_password',
      );
      assert.equal(await me(other), 200);
      assert.equal((await patch({ password, current_password: PASSWORD })).status, 200);
      assert.deepEqual([await me(mine), await me(other)], [200, 401]);
      assert.equal((await login(credentials)).status, 401);
      assert.equal((await login({ ...credentials, password })).status, 201);
    });
  });

  describe('a new password', () => {
    /** What a login does at its end, held there. */
    const loggingIn = `with owner as (select id from users where id = $1 for update)
      insert into tokens (id, user_id, hash, scopes, created_at)
      select gen_random_uuid(), id, $2, '{read}', now() from owner`;

    it('revokes the token of a login that ends meanwhile too', async () => {
      for (const change of [
        (user: { token: string }) => {
          const json = { password: 'a new password', current_password: PASSWORD };
          return api.call('/v1/me', { method: 'PATCH', token: user.token, json });
        },
        (user: { id: string }) => {
          const json = { password: 'a new password' };
          return api.call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin.token, json });
        },
      ]) {
        const { id, username } = await register();
        const { token } = (await login({ username, password: PASSWORD })).body;
        const late = makeToken();
        const answer = await meanwhile(loggingIn, [id, hashToken(late)], () => change({ id, token }));
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        assert.equal(await me(late), 401);
      }
    });

    it('is refused when the current one is changed before it ends', async () => {
      const user = await register();
      const { token } = (await login({ username: user.username, password: PASSWORD })).body;
      const json = { password: 'a new password', current_password: PASSWORD };
      const answer = await meanwhile(
        `update users set password_hash = 'another' where id = $1`,
        [user.id],
        () => api.call('/v1/me', { method: 'PATCH', token, json }),
      );
      assert.equal(answer.body.errors?.[0].path, 'current_password', JSON.stringify(answer.body));
      const [row] = await api.sql('select password_hash from users where id = $1', [user.id]);
      assert.equal(row.password_hash, 'another');
    });
  });

  describe('users', () => {
    it('are made, read, changed and deleted by administrators', async () => {
      const created = await api.call('/v1/users', {
        token: admin.token,
        json: {
          username: uniqueName('Grace'),
          password: PASSWORD,
          name: 'Grace',
          scopes: ['publish', 'read', 'read'],
        },
      });
      assert.equal(created.status, 201);
      assert.deepEqual(created.body.scopes, ['read', 'publish']);
      assert.equal(created.headers.get('location'), `http://videoflow.test/v1/users/${created.body.id}`);
      const path = `/v1/users/${created.body.id}`;
      assert.deepEqual((await api.call(path, { token: admin.token })).body, created.body);
      const token = (await login({ username: created.body.username, password: PASSWORD })).body.token;
      const json = { password: 'another password', name: null };
      const changed = await api.call(path, { method: 'PATCH', token: admin.token, json });
      assert.equal(changed.body.name, null);
      assert.equal(await me(token), 401);
      assert.equal((await api.call(path, { method: 'DELETE', token: admin.token })).status, 204);
      assert.equal((await api.call(path, { token: admin.token })).status, 404);
      assert.equal((await api.call(path, { method: 'DELETE', token: admin.token })).status, 404);
    });

    it('never show a password, in any form', async () => {
      const user = await register();
      const answer = await api.call(`/v1/users/${user.id}`, { token: admin.token });
      assert.ok(!/password|scrypt/i.test(JSON.stringify(answer.body)));
      const [row] = await api.sql('select password_hash from users where id = $1', [user.id]);
      assert.match(row.password_hash, /^scrypt\$32768\$8\$3\$/);
    });

    it('are kept while they have videos', async () => {
      const user = await api.makeUser();
      await api.sql(
        `insert into videos (id, user_id, title, tags, status, created_at, parents)
         values (gen_random_uuid(), $1, 'x', '{}', 'ready', now(), '{}')`,
        [user.id],
      );
      const answer = await api.call(`/v1/users/${user.id}`, { method: 'DELETE', token: admin.token });
      assert.equal(answer.status, 409);
      assert.equal(answer.body.code, 'in_use');
      assert.equal(await me(user.token), 200);
    });
  });

  describe('the administrator', () => {
    it('never is nobody, even when two remove each other at once', async () => {
      const own = await startApi();
      try {
        const [one, two] = [await own.makeUser(), await own.makeUser()];
        const answers = await Promise.all([
          own.call(`/v1/users/${two.id}`, { method: 'DELETE', token: one.token }),
          own.call(`/v1/users/${one.id}`, { method: 'PATCH', token: two.token, json: { scopes: ['read'] } }),
        ]);
        const left = await own.sql(`select id from users where 'admin' = any(scopes)`);
        assert.equal(left.length, 1, JSON.stringify(answers.map((answer) => answer.status)));
        const last = left[0].id === one.id ? one : two;
        const leaving = await own.call(`/v1/users/${last.id}`, { method: 'DELETE', token: last.token });
        assert.equal(leaving.body.code, 'last_admin');
      } finally {
        await own.close();
      }
    });

    it('is made first by whoever has the database, again and again', async () => {
      const username = uniqueName('first');
      const make = (password: string) =>
        createFirstUser({ databaseUrl: api.databaseUrl, username, password });
      const first = await make(PASSWORD);
      const again = await make(PASSWORD);
      const forgotten = await make('something else');
      assert.deepEqual([first.password, again.password, forgotten.password], [PASSWORD, PASSWORD, '']);
      for (const { token } of [first, again, forgotten]) {
        const answer = await api.call('/v1/me', { token });
        assert.equal(answer.body.username, username);
        assert.deepEqual(answer.body.scopes, ['read', 'write', 'publish', 'admin']);
      }
      assert.equal((await login({ username, password: PASSWORD })).status, 201);
    });
  });
});
