import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { PROBLEMS } from '../../src/http/problemCodes.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { rawExchange } from '../support/rawHttp.ts';
import { seededRandom, uniqueName } from '../support/stack.ts';

describe('the conventions of the API', () => {
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi({ CORS_ORIGINS: 'https://app.example, https://other.example' });
    user = await api.makeUser();
  });
  after(() => api.close());

  const patchMe = (options: Parameters<TestApi['call']>[1]) =>
    api.call('/v1/me', { method: 'PATCH', token: user.token, ...options });

  describe('refusals', () => {
    it('are problem+json with every documented field', async () => {
      const answer = await api.call('/v1/nothing');
      assertProblem(answer, 'not_found');
      assert.deepEqual(Object.keys(answer.body).sort(), [
        'code',
        'detail',
        'details',
        'error',
        'request_id',
        'retryable',
        'status',
        'title',
        'type',
      ]);
      assert.equal(answer.body.type, 'http://videoflow.test/docs/problems#not_found');
      assert.equal(answer.body.error, answer.body.title);
      assert.equal(answer.body.details, answer.body.detail);
    });

    it('name the methods that an address takes', async () => {
      const answer = await api.call('/v1/me', { method: 'DELETE', token: user.token });
      assertProblem(answer, 'method_not_allowed');
      assert.deepEqual(answer.headers.get('allow')?.split(', ').sort(), ['GET', 'HEAD', 'PATCH']);
    });

    it('look the same for a bad id and a missing one', async () => {
      const missing = await api.call('/v1/users/01a1fcc3-b906-7071-a82d-b5032f01439d', { token: user.token });
      for (const id of ['x', '1', '%00', '..%2f..', '%zz', 'a'.repeat(3000), "'; drop table users"]) {
        const bad = await api.call(`/v1/users/${id}`, { token: user.token });
        assertProblem(bad, 'not_found');
        assert.deepEqual(withoutId(bad), withoutId(missing));
      }
    });

    it('meet text that is no UTF-8, instead of storing other characters', async () => {
      const answer = await patchMe({
        body: Buffer.from('{"name":"\xff\xfe"}', 'latin1'),
        headers: { 'content-type': 'application/json' },
      });
      assertProblem(answer, 'invalid_request');
    });

    it('tell every wrong field and never its value', async () => {
      const secret = uniqueName('canary');
      const answer = await patchMe({
        json: { name: 5, time_zone: secret, extra: secret, notices: { x: true } },
      });
      assertProblem(answer, 'invalid_request');
      assert.deepEqual(answer.body.errors.map((error: { path: string }) => error.path).sort(), [
        'extra',
        'name',
        'notices.x',
        'time_zone',
      ]);
      assert.ok(!JSON.stringify(answer.body).includes(secret));
    });
  });

  describe('bodies', () => {
    const bad: [string, string][] = [
      ['half a text', '{"name":'],
      ['a number', '5'],
      ['a string', '"x"'],
      ['null', 'null'],
      ['no JSON at all', 'name=x'],
      ['a prototype', '{"__proto__":{"scopes":["admin"]}}'],
      ['deep nesting', '['.repeat(100_000)],
    ];
    for (const [what, body] of bad) {
      it(`refuses ${what} with 400`, async () => {
        const answer = await patchMe({ body, headers: { 'content-type': 'application/json' } });
        assertProblem(answer, 'invalid_json');
        assert.match(answer.body.detail, /no valid JSON, no object, or has a field named `__proto__`/);
      });
    }

    it('refuses an array, and valid deep nesting, with 422', async () => {
      assertProblem(await patchMe({ json: [] }), 'invalid_request');
      const body = `{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
      const deep = await patchMe({ body, headers: { 'content-type': 'application/json' } });
      assertProblem(deep, 'invalid_request');
    });

    it('refuses every unknown field, hostile ones included', async () => {
      for (const field of [
        'id',
        'scopes',
        'user_id',
        'tenantId',
        'passwordHash',
        'constructor',
        'toString',
      ]) {
        const answer = await patchMe({ json: { name: 'x', [field]: 'admin' } });
        assertProblem(answer, 'invalid_request');
        assert.equal(answer.body.errors[0].path, field);
      }
      assert.equal((await api.call('/v1/me', { token: user.token })).body.name, null);
    });

    it('refuses text that no column takes with 422', async () => {
      for (const name of ['a\u0000b', 'half a pair \ud800']) {
        const answer = await patchMe({ json: { name } });
        assertProblem(answer, 'invalid_request');
        assert.equal(answer.body.errors[0].path, 'name');
      }
    });

    it('keeps odd but honest text as it is', async () => {
      for (const name of ['Zoë 🎬', 'العربية', '<script>\'"--']) {
        const answer = await patchMe({ json: { name } });
        assert.equal(answer.status, 200);
        assert.equal(answer.body.name, name);
      }
    });

    it('refuses other types with 415 and more than a megabyte with 413', async () => {
      const text = await patchMe({ body: 'name=x', headers: { 'content-type': 'text/plain' } });
      assertProblem(text, 'unsupported_media_type');
      const large = await patchMe({ json: { name: 'x'.repeat(1024 * 1024) } });
      assertProblem(large, 'too_large');
    });

    it('unpacks gzip, and counts what comes out of it', async () => {
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const good = await patchMe({ body: gzipSync('{"name":"zipped"}'), headers });
      assert.equal(good.body.name, 'zipped');
      const bomb = await patchMe({ body: gzipSync(`{"name":"${'x'.repeat(5_000_000)}"}`), headers });
      assertProblem(bomb, 'too_large');
      const odd = await patchMe({ json: {}, headers: { ...headers, 'content-encoding': 'snappy' } });
      assertProblem(odd, 'unsupported_media_type');
      const broken = await patchMe({ body: '{"name":"x"}', headers });
      assertProblem(broken, 'invalid_json');
    });

    it('refuses unknown query fields and repeated ones', async () => {
      for (const query of [
        'limt=5',
        'limit=1&limit=2',
        '__proto__=1',
        'limit=',
        'limit=0',
        'limit=101',
        'limit=2.5',
      ]) {
        assertProblem(await api.call(`/v1/users?${query}`, { token: user.token }), 'invalid_request');
      }
    });

    it('never breaks on random bytes', async () => {
      const random = seededRandom('conventions');
      for (let round = 0; round < 200; round += 1) {
        const body = new Uint8Array(random.bytes(random.int(1, 200)));
        const answer = await patchMe({ body, headers: { 'content-type': 'application/json' } });
        assertProblem(answer, 'invalid_json');
      }
    });
  });

  describe('request ids', () => {
    it('are taken from the caller when they are sane, and made otherwise', async () => {
      const own = await api.call('/v1/nothing', { headers: { 'x-request-id': 'abc.DEF:1-2_3' } });
      assert.equal(own.headers.get('x-request-id'), 'abc.DEF:1-2_3');
      assert.equal(own.body.request_id, 'abc.DEF:1-2_3');
      for (const id of ['a b', 'x'.repeat(129), '{"a":1}', 'é']) {
        const answer = await api.call('/v1/nothing', { headers: { 'x-request-id': encodeURI(id) } });
        assert.match(answer.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
      }
    });

    it('find the one line of a request in the log, which holds the route and no query', async () => {
      const secret = uniqueName('canary');
      await api.call(`/v1/users?cursor=${secret}`, {
        token: user.token,
        headers: { 'x-request-id': 'line-1' },
      });
      const lines = api.logLines().filter((line) => line.request_id === 'line-1' && line.msg === 'request');
      assert.equal(lines.length, 1);
      assert.deepEqual(
        { module: lines[0]?.module, route: lines[0]?.route, status: lines[0]?.status, code: lines[0]?.code },
        { module: 'http', route: '/v1/users', status: 422, code: 'invalid_request' },
      );
      const all = JSON.stringify(api.logLines());
      assert.ok(!all.includes(secret) && !all.includes(user.token));
    });
  });

  describe('headers', () => {
    it('keep browsers from guessing, framing and caching', async () => {
      const { headers } = await api.call('/v1/me', { token: user.token });
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(
        headers.get('content-security-policy') ?? '',
        /default-src 'none'.*frame-ancestors 'none'/,
      );
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-powered-by'), null);
    });

    it('allow the configured origins and no others', async () => {
      const ask = (origin: string, method = 'GET') =>
        api.call('/v1/me', {
          method,
          headers: { origin, 'access-control-request-method': 'PATCH' },
        });
      const allowed = await ask('https://app.example');
      assert.equal(allowed.status, 401);
      assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example');
      assert.match(allowed.headers.get('access-control-expose-headers') ?? '', /X-Request-Id/);
      assert.equal(allowed.headers.get('access-control-allow-credentials'), null);
      const preflight = await ask('https://other.example', 'OPTIONS');
      assert.equal(preflight.status, 204);
      assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PATCH/);
      for (const origin of ['https://evil.example', 'https://app.example.evil', 'null']) {
        const refused = await ask(origin);
        assert.equal(refused.headers.get('access-control-allow-origin'), null);
        assert.match(refused.headers.get('vary') ?? '', /Origin/);
      }
    });

    it('are not believed about the host: links come from the configuration', async () => {
      const answer = await api.call('/v1/nothing', {
        headers: {
          'x-forwarded-host': 'evil.example',
          'x-forwarded-proto': 'gopher',
          forwarded: 'host=evil',
        },
      });
      assert.ok(!JSON.stringify(answer.body).includes('evil'));
    });
  });

  describe('the wire', () => {
    const port = () => Number(new URL(api.url).port);

    it('answers malformed requests with 4xx and lives on', async () => {
      const requests = [
        'GET / HTTP/1.1\r\n\r\n',
        'GARBAGE\r\n\r\n',
        `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
        'POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
        'GET /v1/me HTTP/1.1\nHost: x\nX-A: b\rc\n\n',
      ];
      for (const request of requests) {
        const answer = await rawExchange(port(), request);
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(request.slice(0, 60)));
      }
      assert.equal((await api.call('/v1/me', { token: user.token })).status, 200);
    });

    it('serves absolute and odd addresses without breaking', async () => {
      for (const path of ['//', '/%', '/v1/me/../../etc', '/v1/%6de', '/v1//me', '*', '/?a=%ff']) {
        const answer = await rawExchange(
          port(),
          `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        );
        assert.match(answer, /^HTTP\/1\.1 (4\d\d) /, path);
      }
    });
  });
});

function assertProblem(answer: Answer, code: keyof typeof PROBLEMS): void {
  assert.equal(answer.body?.code, code, JSON.stringify(answer.body));
  assert.equal(answer.status, PROBLEMS[code].status);
  assert.equal(answer.body.status, answer.status);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.body.request_id, answer.headers.get('x-request-id'));
}

const withoutId = ({ body }: Answer) => ({ ...body, request_id: undefined });
