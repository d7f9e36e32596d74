import type { Middleware } from 'koa';
import type { Log } from '../log.ts';
import type { HttpMetrics } from '../metrics.ts';
import type { Route } from './route.ts';

/**
 * Writes one line and counts once for every request, at its very end. The line names the route, not the
 * address: a query may hold a signature, and lines are to be grouped.
 */
export function accessLog(log: Log, metrics: HttpMetrics | undefined): Middleware {
  const httpLog = log.child({ module: 'http' });
  return (ctx, next) => {
    const startedAt = performance.now();
    ctx.state.log = httpLog.child({ request_id: ctx.state.requestId });
    ctx.res.once('close', () => {
      const ms = performance.now() - startedAt;
      const route = ctx.state.route as Route | undefined;
      const facts = { method: ctx.method, route: route?.path ?? 'none', status: ctx.res.statusCode };
      metrics?.observeRequest({ ...facts, durationSec: ms / 1000 });
      const line = {
        ...facts,
        ms: Math.round(ms * 10) / 10,
        ...(ctx.state.userId ? { user_id: ctx.state.userId } : {}),
        ...(ctx.state.problemCode ? { code: ctx.state.problemCode } : {}),
        ...(ctx.res.writableFinished ? {} : { aborted: true }),
      };
      ctx.state.log[route?.unlimited ? 'debug' : 'info'](line, 'request');
    });
    return next();
  };
}
