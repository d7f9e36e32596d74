import type { Middleware } from 'koa';
import type { Log } from '../log.ts';
import type { HttpMetrics } from '../metrics.ts';
import type { Route } from './route.ts';

/** An answer that goes on for as long as its reader likes. */
interface RunningStream {
  openedAt: number;
  endedBy: string;
}

/**
 * Writes one line and counts once for every request, at its very end. The line names the route, not the
 * address: a query may hold a signature, and lines are to be grouped.
 *
 * A stream of events (`ctx.state.noteStream`) has been answered when it begins, and is counted then: the hours after that say
 * nothing of how fast anything was. Its line has both, and who has ended it.
 */
export function accessLog(log: Log, metrics: HttpMetrics | undefined): Middleware {
  const httpLog = log.child({ module: 'http' });
  return (ctx, next) => {
    const startedAt = performance.now();
    ctx.state.log = httpLog.child({ request_id: ctx.state.requestId });
    let stream: RunningStream | undefined;
    const factsOf = (route: Route | undefined) => ({
      method: ctx.method,
      route: route?.path ?? 'none',
      status: ctx.res.statusCode,
    });
    const count = () =>
      metrics?.observeRequest({
        ...factsOf(ctx.state.route),
        durationSec: (performance.now() - startedAt) / 1000,
      });
    ctx.state.noteStream = () => {
      count();
      const opened = { openedAt: performance.now(), endedBy: 'client' };
      stream = opened;
      return (endedBy: string) => {
        opened.endedBy = endedBy;
      };
    };
    ctx.res.once('close', () => {
      const route = ctx.state.route as Route | undefined;
      const ms = (stream?.openedAt ?? performance.now()) - startedAt;
      if (!stream) count();
      const line = {
        ...factsOf(route),
        ms: Math.round(ms * 10) / 10,
        ...(ctx.state.userId ? { user_id: ctx.state.userId } : {}),
        ...(ctx.state.problemCode ? { code: ctx.state.problemCode } : {}),
        ...describeEnd(ctx.res.writableFinished, stream),
      };
      ctx.state.log[route?.unlimited ? 'debug' : 'info'](line, 'request');
    });
    return next();
  };
}

/** A reader of events leaves whenever it likes, and breaks nothing off. */
function describeEnd(isWhole: boolean, stream: RunningStream | undefined): Record<string, unknown> {
  if (!stream) return isWhole ? {} : { aborted: true };
  const openSec = Math.round((performance.now() - stream.openedAt) / 100) / 10;
  return { open_sec: openSec, ended_by: stream.endedBy };
}
