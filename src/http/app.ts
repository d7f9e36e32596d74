import cors from '@koa/cors';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import helmet from 'koa-helmet';
import type { Config } from '../config.ts';
import type { HttpMetrics } from '../metrics.ts';
import { accessLog } from './accessLog.ts';
import { docRoutes } from './docs.ts';
import { EventHub } from './events/hub.ts';
import { createLimits } from './limits.ts';
import { HttpProblem, notFound } from './problem.ts';
import { describeProblem, sendProblem, toProblem } from './problems.ts';
import { requestIds } from './requestId.ts';
import type { HttpDeps } from './route.ts';
import { routes } from './routes.ts';
import { serveRoute } from './serve.ts';
import { createOpenStreams } from './shares/openStreams.ts';
import { createByteCache } from './transcripts/byteCache.ts';
import { methodOverrides, TUS_HEADERS, tusProtocol } from './uploads/tusProtocol.ts';

/** Some thirty captions of the longest videos. */
const WRITTEN_TRANSCRIPTS_BYTES = 32 * 1024 * 1024;

/**
 * Makes the API out of its dependencies. Nothing is listened to and nothing is started, so that a test
 * needs no process of its own.
 */
export function createApp(options: HttpDeps & { metrics?: HttpMetrics; events?: EventHub }): Koa {
  const { config, log, metrics, events, ...parts } = options;
  const deps = {
    config,
    log,
    ...parts,
    limits: createLimits(config, parts.db.rateLimits),
    openStreams: createOpenStreams({ findLive: (ids) => parts.db.shares.findLive(ids), log }),
    // Given by whoever is to end its streams.
    events: events ?? new EventHub({ db: parts.db, config, log }),
    writtenTranscripts: createByteCache({ maxBytes: WRITTEN_TRANSCRIPTS_BYTES }),
  };
  const app = new Koa();
  app.proxy = config.TRUST_PROXY;
  // Only the last entry is written by the trusted proxy itself; those before it may be invented.
  app.maxIpsCount = 1;

  const router = new Router();
  for (const route of [...routes, ...docRoutes]) router[route.method](route.path, serveRoute(route, deps));

  app.use(requestIds());
  app.use(accessLog(log, metrics));
  app.use(crossOrigin(config));
  app.use(securityHeaders(config));
  app.use(methodOverrides());
  app.use(problemAnswers(config));
  app.use(tusProtocol(config));
  app.use(router.routes());
  app.use(noSuchRoute(router));
  // Whatever breaks after the headers are gone, such as a stream to a client that left.
  app.on('error', (error: Error, ctx?: Context) => {
    (ctx?.state.log ?? log).debug({ err: error }, 'an answer broke off');
  });
  return app;
}

/** Headers that a page of another origin may read. */
const EXPOSED_HEADERS = [
  'Location',
  'Retry-After',
  'X-Request-Id',
  'Idempotency-Replayed',
  'Preference-Applied',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'RateLimit-Policy',
  'ETag',
  'Content-Range',
  'Accept-Ranges',
  'Content-Disposition',
  ...TUS_HEADERS,
];

/** CORS for the configured origins; `*` allows all. There are no cookies, so credentials are never needed. */
function crossOrigin(config: Config): Middleware {
  const allowed = new Set(config.CORS_ORIGINS);
  return cors({
    origin: (ctx) => {
      if (allowed.has('*')) return '*';
      const origin = ctx.get('Origin');
      return allowed.has(origin) ? origin : '';
    },
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: 600,
    keepHeadersOnError: false,
  });
}

/** Tight for everything; a route that shows something in a browser says itself what that needs. */
function securityHeaders(config: Config): Middleware {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
    strictTransportSecurity: config.PUBLIC_URL.startsWith('https:'),
    referrerPolicy: { policy: 'no-referrer' },
  });
}

/** Answers whatever is thrown with a problem; the log gets what the answer does not show. */
function problemAnswers(config: Config): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const problem = toProblem(error);
      ctx.state.problemCode = problem.code;
      if (problem.status >= 500) ctx.state.log.error({ err: error, code: problem.code }, 'request failed');
      if (ctx.headerSent) {
        ctx.res.destroy();
        return;
      }
      sendProblem(ctx, describeProblem(problem, config.PUBLIC_URL), problem.headers);
    }
  };
}

/** Tells an address that is not there from one that does not take the method. */
function noSuchRoute(router: Router): Middleware {
  return async (ctx) => {
    const layers = router.match(ctx.path, ctx.method).path;
    if (layers.length === 0) throw notFound();
    const allow = [...new Set(layers.flatMap((layer) => layer.methods))].join(', ');
    if (ctx.method !== 'OPTIONS') {
      throw new HttpProblem('method_not_allowed', undefined, { headers: { Allow: allow } });
    }
    ctx.set('Allow', allow);
    ctx.status = 204;
  };
}
