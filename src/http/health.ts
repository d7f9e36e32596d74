import { z } from 'zod';
import { type Checks, createHealthChecks, type HealthChecks } from './healthChecks.ts';
import { defineRoute, type HttpDeps, type Reply, type Route } from './route.ts';

const healthSchema = z
  .strictObject({
    status: z.enum(['ok', 'unavailable']),
    checks: z.record(z.string(), z.strictObject({ ok: z.boolean(), message: z.string() })),
  })
  .meta({ id: 'Health' });
const okSchema = z.strictObject({ status: z.literal('ok') });

const facts = { method: 'get', tag: 'The service', scope: null, unlimited: true } as const;

/** The checks of each app, made when they are first asked for. */
const checksOfApp = new WeakMap<HttpDeps['db'], HealthChecks>();

function checksOf(deps: HttpDeps): HealthChecks {
  const known = checksOfApp.get(deps.db) ?? createHealthChecks(deps);
  checksOfApp.set(deps.db, known);
  return known;
}

function toReply(checks: Checks): Reply {
  const isOk = Object.values(checks).every((check) => check.ok);
  return { status: isOk ? 200 : 503, body: { status: isOk ? 'ok' : 'unavailable', checks } };
}

const answers = {
  200: { description: 'All is well', schema: healthSchema },
  503: { description: 'Something is not; `checks` says what', schema: healthSchema },
};

const alive = (path: string, operationId: string) =>
  defineRoute({
    ...facts,
    path,
    operationId,
    summary: 'Whether the process answers at all',
    responses: { 200: { description: 'It does', schema: okSchema } },
    handler: async () => ({ status: 200, body: { status: 'ok' } }),
  });

export const healthRoutes: readonly Route[] = [
  alive('/status', 'getStatus'),
  alive('/health/live', 'getLive'),
  defineRoute({
    ...facts,
    path: '/health/ready',
    operationId: 'getReady',
    summary: 'Whether this process can take requests: database and storage',
    responses: answers,
    handler: async ({ deps }) => toReply(await checksOf(deps).ready()),
  }),
  defineRoute({
    ...facts,
    path: '/health/system',
    operationId: 'getSystemHealth',
    summary: 'Whether the whole installation works: the engine, its workers, stuck items, disk',
    responses: answers,
    handler: async ({ deps }) => toReply(await checksOf(deps).system()),
  }),
];
