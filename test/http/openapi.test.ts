import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { docRoutes } from '../../src/http/docs.ts';
import { describeApi } from '../../src/http/openapi.ts';
import { PROBLEMS } from '../../src/http/problemCodes.ts';
import { routes } from '../../src/http/routes.ts';
import { type Answer, startApi, type TestApi } from '../support/api.ts';

/** A document is looked into at every depth. */
type Json = Answer['body'];

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The part of the OpenAPI 3.1 schema that tools stumble over, written down from the specification. */
const DOCUMENT_SCHEMA = {
  type: 'object',
  required: ['openapi', 'info', 'paths'],
  properties: {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: { type: 'object', required: ['title', 'version'] },
    servers: { type: 'array', items: { type: 'object', required: ['url'] } },
    paths: {
      type: 'object',
      patternProperties: {
        '^/': {
          type: 'object',
          propertyNames: { enum: METHODS },
          additionalProperties: { $ref: '#/$defs/operation' },
        },
      },
      additionalProperties: false,
    },
  },
  $defs: {
    operation: {
      type: 'object',
      required: ['operationId', 'summary', 'tags', 'security', 'responses'],
      properties: {
        operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
        tags: { type: 'array', minItems: 1, items: { type: 'string' } },
        security: { type: 'array', items: { type: 'object', additionalProperties: { type: 'array' } } },
        parameters: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name', 'in', 'schema'],
            properties: { in: { enum: ['path', 'query', 'header'] } },
            if: { properties: { in: { const: 'path' } } },
            // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
            then: { required: ['required'], properties: { required: { const: true } } },
          },
        },
        requestBody: { type: 'object', required: ['content'] },
        responses: {
          type: 'object',
          minProperties: 1,
          propertyNames: { pattern: '^[1-5]\\d\\d$' },
          additionalProperties: {
            anyOf: [{ required: ['$ref'] }, { required: ['description'] }],
          },
        },
      },
    },
  },
};

describe('the OpenAPI document', () => {
  let api: TestApi;
  let document: Json;
  before(async () => {
    api = await startApi();
    document = (await api.call('/openapi.json')).body;
  });
  after(() => api.close());

  const operations = () =>
    Object.entries<Json>(document.paths).flatMap(([path, item]) =>
      Object.entries<Json>(item).map(([method, operation]) => ({ path, method, operation })),
    );

  it('is a valid document of version 3.1', () => {
    const validate = new Ajv2020({ allErrors: true, strict: false }).compile(DOCUMENT_SCHEMA);
    assert.ok(validate(document), JSON.stringify(validate.errors, null, 1));
  });

  it('is made once, and is not sent again to who has it', async () => {
    const first = await api.call('/openapi.json');
    const etag = first.headers.get('etag') as string;
    assert.match(etag, /^"[\w-]{43}"$/);
    assert.equal(first.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.equal(first.headers.get('cache-control'), 'no-cache');
    // As a browser asks at a reload; `fetch` alone would say no-cache and get it whole.
    const ask = (known: string) =>
      api.call('/openapi.json', { headers: { 'if-none-match': known, 'cache-control': 'max-age=0' } });
    const unchanged = await ask(etag);
    assert.deepEqual([unchanged.status, unchanged.body, unchanged.headers.get('etag')], [304, '', etag]);
    assert.equal((await ask('"other"')).status, 200);
    const quickestMs = async (work: () => unknown) => {
      const durations: number[] = [];
      for (let round = 0; round < 10; round += 1) {
        const startedAt = performance.now();
        await work();
        durations.push(performance.now() - startedAt);
      }
      return Math.min(...durations);
    };
    const askingMs = await quickestMs(() => api.call('/openapi.json'));
    const makingMs = await quickestMs(() => describeApi([...routes, ...docRoutes], api.config));
    assert.ok(askingMs < makingMs, `${askingMs} ms to ask, ${makingMs} ms to make`);
  });

  it('describes every route, each under an id of its own', () => {
    const shown = [...routes, ...docRoutes].filter((route) => !route.hidden);
    const documented = operations().map(({ path, method }) => `${method} ${path}`);
    const served = shown.map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`);
    assert.deepEqual(documented.sort(), served.sort());
    const ids = operations().map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('has no reference into nothing, and no schema that is no schema', () => {
    const references: string[] = [];
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, part] of Object.entries(value)) {
        if (key === '$ref' && typeof part === 'string') references.push(part);
        walk(part);
      }
    };
    walk(document);
    assert.ok(references.length > 20);
    for (const reference of new Set(references)) {
      const target = reference
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((place, name) => (place as Json)?.[name], document);
      assert.ok(target, reference);
    }
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'doc', ...document });
    for (const name of Object.keys(document.components.schemas)) {
      assert.doesNotThrow(() => ajv.compile({ $ref: `doc#/components/schemas/${name}` }), name);
    }
  });

  it('names every parameter of every path', () => {
    for (const { path, operation } of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = operation.parameters as { name: string; in: string }[];
      const documented = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      assert.deepEqual(documented.sort(), inPath.sort(), path);
    }
  });

  it('documents what every protected operation may refuse, and the key of every POST', () => {
    for (const { path, method, operation } of operations()) {
      const isPublic = operation.security.length === 0;
      const statuses = Object.keys(operation.responses);
      if (!isPublic) for (const status of ['401', '403', '429']) assert.ok(statuses.includes(status), path);
      const headers = (operation.parameters as { name: string }[]).map(({ name }) => name);
      // It does nothing, so that there is nothing to do once only.
      const takesKey = method === 'post' && !isPublic && path !== '/v1/posts/preview';
      assert.equal(headers.includes('Idempotency-Key'), takesKey, `${method} ${path}`);
      assert.match(JSON.stringify(operation['x-codeSamples']), /curl /);
    }
  });

  it('lists every code of a refusal, as does the page', async () => {
    const page = await api.call('/docs/problems');
    for (const code of Object.keys(PROBLEMS)) {
      assert.ok(document.info.description.includes(`\`${code}\``), code);
      assert.ok(page.body.includes(`id="${code}"`), code);
    }
    const problem = new Ajv2020({ strict: false, validateFormats: false }).compile({
      ...document.components.schemas.Problem,
    });
    assert.ok(problem((await api.call('/v1/me')).body), JSON.stringify(problem.errors));
  });

  it('agrees with the answers', async () => {
    const user = await api.makeUser();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'doc', ...document });
    for (const [path, name] of [
      ['/v1/me', 'User'],
      [`/v1/users/${user.id}`, 'User'],
    ]) {
      const validate = ajv.compile({ $ref: `doc#/components/schemas/${name}` });
      assert.ok(
        validate((await api.call(`${path}`, { token: user.token })).body),
        JSON.stringify(validate.errors),
      );
    }
  });
});

describe('the interactive page', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  it('loads only from here, and nothing inline', async () => {
    const page = await api.call('/docs');
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self';/);
    const addresses = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
    assert.ok(addresses.length >= 4);
    assert.ok(!/<script(?![^>]*\ssrc=)/.test(page.body));
    for (const address of addresses) {
      assert.match(address, /^\/docs\//);
      const part = await api.call(address);
      assert.equal(part.status, 200, address);
      assert.ok(part.body.length > 100);
    }
  });

  it('gives out nothing else of its folder', async () => {
    for (const name of [
      'package.json',
      'index.html',
      '..%2fpackage.json',
      '%2e%2e%2f%2e%2e%2fpackage.json',
      '',
    ]) {
      assert.equal((await api.call(`/docs/assets/${name}`)).status, 404, name);
    }
  });
});
