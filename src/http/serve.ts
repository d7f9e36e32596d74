import type { Context, Middleware } from 'koa';
import { authenticate, requireScope } from './auth.ts';
import { IdempotentCall, readIdempotencyKey, withoutKey } from './idempotency.ts';
import { readJson } from './jsonBody.ts';
import { parseParams, parsePart } from './parse.ts';
import { HttpProblem } from './problem.ts';
import { PROBLEM_TYPE, type ProblemBody, sendProblem, toProblem, toRefusal } from './problems.ts';
import {
  isIdempotent,
  type Reply,
  type RequestUser,
  type Route,
  type RouteDeps,
  type RouteRequest,
} from './route.ts';
import { readWait, waitForEnd } from './wait.ts';

/** Stands for nobody on public routes, which do not look at it. */
const NOBODY: RequestUser = { id: '', username: null, scopes: [], tokenId: null };

/**
 * Serves one route: who asks, how often, what exactly, whether it was asked before; then the handler,
 * and its answer.
 */
export function serveRoute(route: Route, deps: RouteDeps): Middleware {
  return async (ctx: Context) => {
    ctx.state.route = route;
    const reply = await answer(ctx, route, deps).catch((error: unknown) => {
      if (route.explain) return route.explain(error, { ctx, deps });
      throw error;
    });
    if (reply) send(ctx, reply);
  };
}

async function answer(ctx: Context, route: Route, deps: RouteDeps): Promise<Reply | undefined> {
  const user = await admit(ctx, route, deps);
  const request = await parseRequest(ctx, route, { deps, user }).catch(async (error: unknown) => {
    if (route.countsItself) await deps.limits.countRequest(ctx, null);
    throw error;
  });
  const reply = isIdempotent(route) ? await answerOnce(request, route) : await route.handler(request);
  return reply && finish(reply, request, route);
}

/** Finds out who asks, counts the request and checks the scope. */
async function admit(ctx: Context, route: Route, deps: RouteDeps): Promise<RequestUser> {
  if (route.scope === null) {
    if (!route.unlimited && !route.countsItself) await deps.limits.countRequest(ctx, null);
    return NOBODY;
  }
  const user = await identifySender(ctx, route, deps).catch(async (error) => {
    // Guessing tokens is counted by address, since nobody else is known.
    if (error instanceof HttpProblem) await deps.limits.countRequest(ctx, null);
    throw error;
  });
  ctx.state.userId = user.id;
  await deps.limits.countRequest(ctx, user);
  requireScope(user, route.scope);
  return user;
}

async function identifySender(ctx: Context, route: Route, deps: RouteDeps): Promise<RequestUser> {
  const isSigned = route.orSigned !== undefined && !ctx.get('Authorization');
  const signer = isSigned ? await route.orSigned?.({ ctx, deps }) : null;
  return signer ?? authenticate(ctx, deps);
}

async function parseRequest(
  ctx: Context,
  route: Route,
  { deps, user }: { deps: RouteDeps; user: RequestUser },
): Promise<RouteRequest> {
  const params = route.params ? parseParams(route.params, ctx.params) : {};
  const query = route.query ? parsePart(route.query, { ...ctx.query }) : {};
  const body = route.body && !route.rawBody ? await readJson(ctx, route.body) : undefined;
  const log = ctx.state.log ?? deps.log;
  return { ctx, params, query, body, user, log, deps, idempotency: withoutKey(deps.db) };
}

/** Runs the handler under the request's Idempotency-Key, if there is one. */
async function answerOnce(request: RouteRequest, route: Route): Promise<Reply | undefined> {
  const { ctx, deps, user, params, query, body } = request;
  const key = readIdempotencyKey(ctx);
  if (key === null) return route.handler(request);
  const call = new IdempotentCall({
    db: deps.db,
    signingKeys: deps.config.SIGNING_KEYS,
    userId: user.id,
    route: `${route.method} ${route.path}`,
    address: { params, query },
    key,
    isAwaited: () => !ctx.res.closed,
  });
  await call.begin();
  try {
    const earlier = route.rawBody ? null : await call.identify({ body });
    if (earlier) return earlier;
    const reply = await route.handler({ ...request, idempotency: call });
    if (reply) await call.remember(reply);
    else await call.release();
    return reply;
  } catch (error) {
    await refuseOnce(call, toProblem(error), request).catch((failure: unknown) => {
      request.log.warn({ err: failure }, 'a refusal could not be kept under its Idempotency-Key');
    });
    throw error;
  }
}

/** Lets the key's next request meet the same refusal, or none. A lease that cannot be ended runs out. */
async function refuseOnce(call: IdempotentCall, problem: HttpProblem, request: RouteRequest): Promise<void> {
  const refusal = toRefusal(problem, request.deps.config.PUBLIC_URL);
  const isFinal = problem.status < 500 && !refusal.body.retryable;
  await call.refuse(refusal, isFinal);
}

/** Waits for the end of accepted work where the client prefers that. */
async function finish(reply: Reply, request: RouteRequest, route: Route): Promise<Reply> {
  const { poll } = route;
  const { objectId } = reply;
  const waitSec = readWait(request.ctx);
  if (reply.status !== 202 || !poll || objectId === undefined || waitSec === null) return reply;
  const { ctx, log } = request;
  return waitForEnd(ctx, reply, { waitSec, poll: () => poll(request, objectId), log });
}

function send(ctx: Context, { status, headers = {}, body }: Reply): void {
  if (headers['Content-Type'] === PROBLEM_TYPE) {
    const problem = body as ProblemBody;
    ctx.state.problemCode = problem.code;
    sendProblem(ctx, problem, headers);
    return;
  }
  ctx.status = status;
  if (!ctx.response.get('Cache-Control')) ctx.set('Cache-Control', 'no-store');
  ctx.set(headers);
  if (body !== undefined) ctx.body = body;
  else if (status === 204) ctx.body = null;
}
