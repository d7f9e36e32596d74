import type { Middleware } from 'koa';
import { v7 as uuidv7 } from 'uuid';

/** What a caller may send as its own id: goes into logs and headers, so nothing that could break a line. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/** Gives every request an id, the caller's own when it is sane, and tells it in the answer. */
export function requestIds(): Middleware {
  return (ctx, next) => {
    const given = ctx.get('X-Request-Id');
    const id = SANE_ID.test(given) ? given : uuidv7();
    ctx.state.requestId = id;
    ctx.set('X-Request-Id', id);
    return next();
  };
}
