import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { SCOPES, type Scope } from '../../src/db/entities/user.ts';
import { docRoutes } from '../../src/http/docs.ts';
import { describeApi } from '../../src/http/openapi.ts';
import { routes } from '../../src/http/routes.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { OPERATIONS, type OperationPlan, type PathIds } from './operations.ts';

interface Operation {
  operationId: string;
  method: string;
  path: string;
  scope: Scope | null;
}

/** Read from the document that clients get; only the address in it differs from the served one. */
function readOperations(): Operation[] {
  const document = describeApi([...routes, ...docRoutes], { PUBLIC_URL: 'http://videoflow.test' } as never);
  const paths = document.paths as Record<
    string,
    Record<string, { operationId: string; 'x-scope': Scope | null }>
  >;
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      operationId: operation.operationId,
      method: method.toUpperCase(),
      path,
      scope: operation['x-scope'],
    })),
  );
}

const operations = readOperations();

describe('the tenant matrix', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  it('lists every operation of the API, and none that is gone', async () => {
    const served = (await api.call('/openapi.json')).body.paths;
    const servedIds = Object.values<Record<string, { operationId: string }>>(served).flatMap((item) =>
      Object.values(item).map((operation) => operation.operationId),
    );
    assert.deepEqual(servedIds.sort(), operations.map(({ operationId }) => operationId).sort());
    assert.deepEqual(Object.keys(OPERATIONS).sort(), servedIds, 'see test/http/operations.ts');
  });

  const addressOf = (path: string, ids: PathIds) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name) => ids[name] ?? '');
  const ask = (
    operation: Operation,
    plan: OperationPlan,
    how: { ids: PathIds; token?: string },
  ): Promise<Answer> =>
    api.call(addressOf(operation.path, how.ids), {
      ...plan.request?.(),
      method: operation.method,
      token: how.token ?? null,
    });

  for (const operation of operations) {
    const plan = OPERATIONS[operation.operationId];
    if (!plan) continue;
    describe(`${operation.method} ${operation.path}`, () => {
      if ('publicBecause' in plan) {
        it(`is for everybody: ${plan.publicBecause}`, () => assert.equal(operation.scope, null));
        return;
      }
      testProtected(operation, plan);
      // What only administrators may do they may do with everybody's objects.
      if (plan.make && operation.scope !== 'admin') testStrangers(operation, plan);
    });
  }

  function testProtected(operation: Operation, plan: OperationPlan): void {
    const { scope } = operation;
    assert.ok(scope, `${operation.operationId} has no scope and is not listed as public`);

    it('refuses no token, and unknown, expired and revoked ones', async () => {
      const owner = await api.makeUser();
      const ids = (await plan.make?.(api, owner)) ?? {};
      const expired = await api.makeToken(owner.id, { expiresAt: new Date(Date.now() - 1) });
      const revoked = await api.makeToken(owner.id);
      const [row] = await api.db.tokens.list(owner.id, { limit: 1 });
      await api.db.tokens.revoke(row?.id ?? '', owner.id);
      const unknown = `vf_${'A'.repeat(43)}`;
      for (const token of [undefined, '', unknown, expired, revoked]) {
        const answer = await ask(operation, plan, { ids, ...(token === undefined ? {} : { token }) });
        assert.equal(answer.status, 401, JSON.stringify(answer.body));
        assert.equal(answer.body.code, 'unauthorized');
        assert.ok(answer.headers.get('www-authenticate'));
      }
    });

    it(`refuses a token with every scope but ${scope}`, async () => {
      const owner = await api.makeUser();
      const ids = (await plan.make?.(api, owner)) ?? {};
      const token = await api.makeToken(owner.id, { scopes: SCOPES.filter((other) => other !== scope) });
      const answer = await ask(operation, plan, { ids, token });
      assert.equal(answer.status, 403, JSON.stringify(answer.body));
      assert.equal(answer.body.code, 'insufficient_scope');
    });

    it(`lets its owner in with ${scope} alone`, async () => {
      const owner = await api.makeUser();
      const ids = (await plan.make?.(api, owner)) ?? {};
      const token = await api.makeToken(owner.id, { scopes: [scope] });
      const answer = await ask(operation, plan, { ids, token });
      assert.equal(answer.status, plan.status, JSON.stringify(answer.body));
    });
  }

  function testStrangers(operation: Operation, plan: OperationPlan): void {
    const make = plan.make as NonNullable<OperationPlan['make']>;
    const strangerScopes = SCOPES.filter((scope) => scope !== 'admin' || !plan.isForAdmins);
    const makeBoth = async (): Promise<{ owner: TestUser; stranger: TestUser; ids: PathIds }> => {
      const owner = await api.makeUser();
      const stranger = await api.makeUser({ scopes: strangerScopes });
      return { owner, stranger, ids: await make(api, owner) };
    };

    if (!operation.path.includes('{')) {
      it("never shows another user's objects", async () => {
        const { owner, stranger, ids } = await makeBoth();
        const own = await ask(operation, plan, { ids, token: owner.token });
        const theirs = await ask(operation, plan, { ids, token: stranger.token });
        assert.ok(JSON.stringify(own.body).includes(`${ids.id}`), 'the owner sees it');
        assert.ok(!JSON.stringify(theirs.body).includes(`${ids.id}`));
      });
      return;
    }

    it("answers another user's object exactly as a missing one, and leaves it as it was", async () => {
      const { owner, stranger, ids } = await makeBoth();
      const foreign = await ask(operation, plan, { ids, token: stranger.token });
      const missing = await ask(operation, plan, { ids: { ...ids, id: uuidv7() }, token: stranger.token });
      const garbled = await ask(operation, plan, { ids: { ...ids, id: 'x' }, token: stranger.token });
      assert.equal(foreign.status, 404, JSON.stringify(foreign.body));
      assert.equal(foreign.body.code, 'not_found');
      assert.deepEqual(comparable(foreign), comparable(missing));
      assert.deepEqual(comparable(foreign), comparable(garbled));
      const own = await ask(operation, plan, { ids, token: owner.token });
      assert.equal(own.status, plan.status, `the owner finds it afterwards: ${JSON.stringify(own.body)}`);
    });
  }
});

/** What may differ between two equal answers. */
const VOLATILE = new Set(['date', 'x-request-id', 'ratelimit-remaining', 'ratelimit-reset']);

const comparable = (answer: Answer) => ({
  status: answer.status,
  headers: [...answer.headers].filter(([name]) => !VOLATILE.has(name)),
  body: { ...answer.body, request_id: '' },
});
