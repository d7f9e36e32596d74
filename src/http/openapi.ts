import type { z } from 'zod';
import type { Config } from '../config.ts';
import { SCOPES } from '../db/entities/user.ts';
import { curlExample } from './curlExample.ts';
import { createSchemaCollector, type JsonSchema, type SchemaCollector } from './openapiSchemas.ts';
import { PROBLEMS } from './problemCodes.ts';
import { PROBLEM_SCHEMA, PROBLEM_TYPE } from './problems.ts';
import { type DocumentedHeader, type DocumentedResponse, isIdempotent, type Route } from './route.ts';

/** What every operation may answer, beside what its route documents. */
const SHARED_RESPONSES: Readonly<Record<string, { name: string; description: string }>> = {
  401: { name: 'Unauthorized', description: 'No token, or one that is unknown, expired or revoked' },
  403: { name: 'Forbidden', description: '`insufficient_scope`: the token lacks the scope' },
  404: { name: 'NotFound', description: "Not there, or another user's: both look the same" },
  409: { name: 'InProgress', description: '`idempotency_in_progress`: see Retry-After' },
  422: { name: 'InvalidRequest', description: 'Wrong fields, named in `errors`' },
  429: { name: 'RateLimited', description: 'Too many requests: see Retry-After' },
  500: { name: 'InternalError', description: 'Our fault; the request id finds it in the log' },
  503: { name: 'Unavailable', description: 'Something we need is away for the moment: see Retry-After' },
};

/** Gives the OpenAPI 3.1 document of the routes, made of the schemas that validate requests. */
export function describeApi(routes: readonly Route[], config: Config): JsonSchema {
  const schemas = createSchemaCollector();
  const shown = routes.filter((route) => !route.hidden);
  const paths: Record<string, JsonSchema> = {};
  for (const route of shown) {
    const path = documentedPath(route.path);
    paths[path] = { ...paths[path], [route.method]: describeOperation(route, schemas, config) };
  }
  const problem = schemas.output(PROBLEM_SCHEMA);
  return {
    openapi: '3.1.1',
    info: { title: 'videoflow', version: '1', description: introduction() },
    servers: [{ url: config.PUBLIC_URL }, { url: '/', description: 'Where this document came from' }],
    tags: [...new Set(shown.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.components,
      responses: Object.fromEntries(
        Object.values(SHARED_RESPONSES).map(({ name, description }) => [
          name,
          { description, content: { [PROBLEM_TYPE]: { schema: problem } } },
        ]),
      ),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: `A token of \`POST /v1/tokens\`. Scopes: ${SCOPES.join(', ')}.`,
        },
        signature: {
          type: 'apiKey',
          in: 'query',
          name: 'sig',
          description: 'The signed addresses in a video need no token',
        },
      },
    },
  };
}

const documentedPath = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

function describeOperation(route: Route, schemas: SchemaCollector, config: Config): JsonSchema {
  const bodies = describeBodies(route, schemas);
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    security: describeSecurity(route),
    parameters: describeParameters(route, schemas),
    ...(bodies ? { requestBody: bodies } : {}),
    responses: describeResponses(route, schemas),
    'x-scope': route.scope,
    'x-codeSamples': [{ lang: 'Shell', label: 'curl', source: curlExample(route, config.PUBLIC_URL) }],
  };
}

function describeSecurity({ scope, orSigned }: Route): JsonSchema[] {
  if (scope === null) return [];
  return [{ bearer: [scope] }, ...(orSigned ? [{ signature: [] }] : [])];
}

function describeParameters(route: Route, schemas: SchemaCollector): JsonSchema[] {
  const ofPath = propertiesOf(route.params, schemas).map(({ name, schema }) => ({
    name,
    in: 'path',
    required: true,
    schema,
  }));
  const ofQuery = propertiesOf(route.query, schemas).map(({ name, schema, isRequired }) => ({
    name,
    in: 'query',
    ...(isRequired ? { required: true } : {}),
    ...(schema.description ? { description: schema.description } : {}),
    schema,
  }));
  const ofHeader = [
    ...(route.headers ?? []).map(describeHeader),
    ...(isIdempotent(route) ? [IDEMPOTENCY_HEADER] : []),
    ...(route.poll ? [PREFER_HEADER] : []),
  ];
  return [...ofPath, ...ofQuery, ...ofHeader];
}

const describeHeader = ({ name, description, isRequired, example }: DocumentedHeader) => ({
  name,
  in: 'header',
  ...(isRequired ? { required: true } : {}),
  description,
  schema: { type: 'string', ...(example === undefined ? {} : { examples: [example] }) },
});

const IDEMPOTENCY_HEADER = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Makes a repetition of this request harmless: it gets the first answer. Kept for 7 days.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};
const PREFER_HEADER = {
  name: 'Prefer',
  in: 'header',
  description: '`wait=N`: wait up to N (at most 60) seconds for the end of the work',
  schema: { type: 'string', examples: ['wait=30'] },
};

interface Property {
  name: string;
  schema: JsonSchema;
  isRequired: boolean;
}

/** A field that is rewritten before it is checked has no schema of its input; then its outcome tells more. */
function propertiesOf(schema: Route['query'], schemas: SchemaCollector): Property[] {
  if (!schema) return [];
  const input = schemas.input(schema);
  const output = schemas.output(schema).properties as Record<string, JsonSchema>;
  const required = (input.required ?? []) as string[];
  return Object.entries(input.properties as Record<string, JsonSchema>).map(([name, property]) => ({
    name,
    schema: 'type' in property || 'anyOf' in property ? property : { ...output[name], ...property },
    isRequired: required.includes(name),
  }));
}

function describeBodies(route: Route, schemas: SchemaCollector): JsonSchema | null {
  const content: Record<string, JsonSchema> = {};
  for (const { contentType, schema } of route.requestBodies ?? []) {
    content[contentType] = { schema: '_zod' in schema ? schemas.input(schema as never) : schema };
  }
  if (route.body) content['application/json'] = { schema: schemas.input(route.body) };
  return Object.keys(content).length > 0 ? { required: true, content } : null;
}

function describeResponses(route: Route, schemas: SchemaCollector): JsonSchema {
  const shared = sharedStatuses(route).map((status) => [
    status,
    { $ref: `#/components/responses/${SHARED_RESPONSES[status]?.name}` },
  ]);
  const own = Object.entries(route.responses).map(([status, response]) => [
    status,
    describeResponse(Number(status), response, schemas),
  ]);
  return Object.fromEntries([...shared, ...own]);
}

function sharedStatuses(route: Route): string[] {
  const isChecked = route.query ?? route.body ?? route.requestBodies;
  return [
    ...(route.scope === null ? [] : ['401', '403']),
    ...(route.params ? ['404'] : []),
    ...(isIdempotent(route) ? ['409'] : []),
    ...(isChecked || isIdempotent(route) ? ['422'] : []),
    ...(route.unlimited ? [] : ['429']),
    '500',
    '503',
  ];
}

function describeResponse(
  status: number,
  response: DocumentedResponse,
  schemas: SchemaCollector,
): JsonSchema {
  const { description, schema, contentType, streamOf, headers } = response;
  const types = [contentType ?? []].flat();
  const content: JsonSchema = Object.fromEntries(
    types.map((type) => [type, { schema: schema ? schemas.output(schema) : { contentMediaType: type } }]),
  );
  if (schema && types.length === 0) content['application/json'] = { schema: schemas.output(schema) };
  if (streamOf) content['text/event-stream'] = describeStream(streamOf, schemas);
  // A health check answers the same shape whether well or not; a refusal without a schema is a problem.
  if (status >= 400 && !schema) content[PROBLEM_TYPE] = { schema: schemas.output(PROBLEM_SCHEMA) };
  return {
    description,
    ...(headers ? { headers: describeHeaders(headers) } : {}),
    ...(Object.keys(content).length > 0 ? { content } : {}),
  };
}

/** Version 3.1 has no words for what a stream is made of. */
const describeStream = (streamOf: z.ZodType, schemas: SchemaCollector): JsonSchema => ({
  schema: { type: 'string', contentMediaType: 'text/event-stream' },
  'x-event-data': schemas.output(streamOf),
});

const describeHeaders = (headers: Record<string, string>): JsonSchema =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );

function introduction(): string {
  const codes = Object.entries(PROBLEMS).map(
    ([code, { status, detail, retryable }]) =>
      `| \`${code}\` | ${status} | ${detail} | ${retryable ? 'yes' : 'no'} |`,
  );
  return [
    'Takes a video from first byte to published post and never loses its place.',
    '',
    'Refusals are `application/problem+json`; decide by `code`, which never changes its meaning:',
    '',
    '| code | status | meaning | worth another try |',
    '|---|---|---|---|',
    ...codes,
  ].join('\n');
}
