import type { Context } from 'koa';
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.ts';
import type { RateLimits } from '../db/rateLimits.ts';
import { HttpProblem } from './problem.ts';

const WINDOW_SEC = 60;
/** Logins of one address, whatever the usernames: as many as this many people behind it may make. */
const LOGINS_PER_ADDRESS = 10;

/** The limits that requests count against, shared by all processes through the database. */
export interface Limits {
  /**
   * Counts one request for a user, or for an address when nobody is known, and tells in the answer's
   * headers what is left.
   *
   * @throws HttpProblem `rate_limited` with Retry-After
   */
  countRequest(ctx: Context, userId: string | null): Promise<void>;
  /** Counts one try of a password. @throws HttpProblem `rate_limited` */
  countLogin(ctx: Context, username: string): Promise<void>;
}

export function createLimits(config: Config, rateLimits: RateLimits): Limits {
  const limiter = (name: string, points: number) =>
    rateLimits.createLimiter({ name, points, durationSec: WINDOW_SEC });
  const requests = limiter('requests', config.RATE_LIMIT_PER_MINUTE);
  const logins = limiter('logins', config.LOGIN_LIMIT_PER_MINUTE);
  const loginsOfAddress = limiter('login_address', config.LOGIN_LIMIT_PER_MINUTE * LOGINS_PER_ADDRESS);

  return {
    countRequest: async (ctx, userId) => {
      const { isOver, result } = await count(requests, userId ? `user:${userId}` : `address:${ctx.ip}`);
      ctx.set(describeLimit(config.RATE_LIMIT_PER_MINUTE, isOver ? 0 : result.remainingPoints, result));
      if (isOver) throw tooMany(result);
    },
    countLogin: async (ctx, username) => {
      const ofAddress = await count(loginsOfAddress, ctx.ip);
      if (ofAddress.isOver) throw tooMany(ofAddress.result);
      const ofUser = await count(logins, `${ctx.ip}:${username}`);
      if (ofUser.isOver) throw tooMany(ofUser.result);
    },
  };
}

/** A limit that is exceeded comes as a rejection with the result; any other rejection is trouble. */
async function count(
  limiter: RateLimiterAbstract,
  key: string,
): Promise<{ isOver: boolean; result: RateLimiterRes }> {
  try {
    return { isOver: false, result: await limiter.consume(key) };
  } catch (rejection) {
    if (rejection instanceof RateLimiterRes) return { isOver: true, result: rejection };
    throw rejection;
  }
}

const secondsLeft = (result: RateLimiterRes): number => Math.max(1, Math.ceil(result.msBeforeNext / 1000));

/** draft-ietf-httpapi-ratelimit-headers-06, the last with one header for each number, which clients read. */
const describeLimit = (limit: number, left: number, result: RateLimiterRes): Record<string, string> => ({
  'RateLimit-Limit': String(limit),
  'RateLimit-Remaining': String(left),
  'RateLimit-Reset': String(secondsLeft(result)),
  'RateLimit-Policy': `${limit};w=${WINDOW_SEC}`,
});

const tooMany = (result: RateLimiterRes): HttpProblem =>
  new HttpProblem('rate_limited', undefined, { headers: { 'Retry-After': String(secondsLeft(result)) } });
