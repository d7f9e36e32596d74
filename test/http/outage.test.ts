import assert from 'node:assert/strict';
import { startApi, type TestApi } from '../support/api.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

describe('a database that is away', () => {
  let api: TestApi;
  let gate: Gate;
  before(async () => {
    api = await startApi({}, async (databaseUrl) => {
      const { hostname, port } = new URL(databaseUrl);
      gate = await openGate({ host: hostname, port: Number(port || 5432) });
      const throughGate = new URL(databaseUrl);
      throughGate.host = `127.0.0.1:${gate.port}`;
      return throughGate.href;
    });
  });
  after(async () => {
    gate.open();
    await api.close();
    await gate.close();
  });

  it('is told with 503 and Retry-After, and comes back without a restart', async () => {
    const user = await api.makeUser();
    const me = () => api.call('/v1/me', { token: user.token });
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await me()).status, 200);
      gate.shut();
      for (const answer of [
        await me(),
        await me(),
        await api.call('/v1/tokens', { json: { username: 'x', password: 'y' } }),
      ]) {
        assert.equal(answer.status, 503, JSON.stringify(answer.body));
        assert.equal(answer.body.code, 'database_unavailable');
        assert.equal(answer.body.retryable, true);
        assert.ok(Number(answer.headers.get('retry-after')) > 0);
        assert.ok(!/127\.0\.0\.1|ECONN|postgres|terminat/i.test(JSON.stringify(answer.body)));
      }
      gate.open();
      await waitFor(async () => (await me()).status === 200, { what: 'the API to find its database again' });
    }
  });

  it('cut in the middle of a POST leaves a key that can be used again', async () => {
    const user = await api.makeUser();
    const json = { username: 'cut-off', password: 'correct horse battery' };
    const create = () =>
      api.call('/v1/users', { token: user.token, json, headers: { 'idempotency-key': 'cut' } });
    const running = create();
    await waitFor(
      async () => (await api.sql(`select 1 from idempotency_keys where key = 'cut'`)).length === 1,
      {
        what: 'the lease',
        everyMs: 5,
      },
    );
    gate.shut();
    assert.ok([201, 503].includes((await running).status));
    gate.open();
    await api.sql(`update idempotency_keys set lease_until = now() where answer is null`);
    const again = await waitFor(
      async () => {
        const answer = await create();
        return answer.status === 503 ? null : answer;
      },
      { what: 'the repetition to be answered' },
    );
    assert.equal(again.status, 201);
    const rows = await api.sql(`select 1 from users where username = 'cut-off'`);
    assert.equal(rows.length, 1);
  });

  it('that goes while a client waits for the end of its upload leaves it accepted', async () => {
    const user = await api.makeUser();
    const uploading = api.call('/v1/videos?title=waited-for', {
      token: user.token,
      body: new Uint8Array(videoBytes(100)),
      headers: { 'content-type': 'video/mp4', prefer: 'wait=20' },
    });
    // The engine is told after the transaction: from here on only the waiting is left.
    await waitFor(async () => api.flowCalls.length === 1, { what: 'the upload to be accepted', everyMs: 5 });
    gate.shut();
    const answer = await uploading;
    gate.open();
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    assert.equal(answer.headers.get('preference-applied'), 'wait=20');
    assert.match(answer.headers.get('location') ?? '', new RegExp(answer.body.id));
  });
});
