import type { Context } from 'koa';
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.ts';
import type { RateLimits } from '../db/rateLimits.ts';
import { toNetwork } from './network.ts';
import { HttpProblem } from './problem.ts';
import type { RequestUser } from './route.ts';

const WINDOW_SEC = 60;
/**
 * Logins of one address, whatever the usernames, and under one username, whatever the addresses: as many
 * as this many addresses or people may make. So one address alone cannot lock anybody out, and a crowd of
 * them guesses no faster than ten.
 */
const LOGINS_OF_MANY = 10;
/** No more than one of a worker's slots. */
const HURRIED_SEC_PER_MINUTE = 60;

/** The limits that requests count against, shared by all processes through the database. */
export interface Limits {
  /**
   * Counts one request for a user, or for an address when nobody is known, and tells in the answer's
   * headers what is left. A signed address may be in many hands, so whoever comes by it counts by address
   * and object, and uses up nothing of the owner's.
   *
   * @throws HttpProblem `rate_limited` with Retry-After
   */
  countRequest(ctx: Context, user: RequestUser | null): Promise<void>;
  /** Counts one request for a share by address: what is left of one link is no other's. @throws HttpProblem `rate_limited` */
  countShare(ctx: Context, shareId: string): Promise<void>;
  /**
   * Sets time aside for one piece of work that somebody waits for, as much as it may take. What of that was not
   * needed is to be given back, unless nobody knows.
   *
   * @returns null when it may not come before the processing of everybody's videos: what one user has done beyond
   *   some seconds of a worker's minute takes its turn with the rest
   */
  hurry(userId: string, longestSec: number): Promise<Hurry | null>;
  /** Counts one try of a password. @throws HttpProblem `rate_limited` */
  countLogin(ctx: Context, username: string): Promise<void>;
}

export interface Hurry {
  /** @param usedSec how long it took; a second at least is counted */
  end(usedSec: number): Promise<void>;
}

export function createLimits(config: Config, rateLimits: RateLimits): Limits {
  const limiter = (name: string, points: number) =>
    rateLimits.createLimiter({ name, points, durationSec: WINDOW_SEC });
  const requests = limiter('requests', config.RATE_LIMIT_PER_MINUTE);
  const hurried = limiter('hurried', HURRIED_SEC_PER_MINUTE);
  const logins = limiter('logins', config.LOGIN_LIMIT_PER_MINUTE);
  const loginsOfAddress = limiter('login_address', config.LOGIN_LIMIT_PER_MINUTE * LOGINS_OF_MANY);
  const loginsOfName = limiter('login_name', config.LOGIN_LIMIT_PER_MINUTE * LOGINS_OF_MANY);

  const countOne = async (ctx: Context, key: string): Promise<void> => {
    const { isOver, result } = await count(requests, key);
    ctx.set(describeLimit(config.RATE_LIMIT_PER_MINUTE, isOver ? 0 : result.remainingPoints, result));
    if (isOver) throw tooMany(result);
  };

  return {
    countRequest: (ctx, user) => countOne(ctx, senderKey(ctx, user)),
    countShare: (ctx, shareId) => countOne(ctx, `share:${toNetwork(ctx.ip)}:${shareId}`),
    hurry: async (userId, longestSec) => {
      if ((await count(hurried, userId, longestSec)).isOver) return null;
      return {
        end: async (usedSec) => {
          const leftSec = longestSec - Math.max(1, Math.ceil(usedSec));
          if (leftSec > 0) await hurried.reward(userId, leftSec);
        },
      };
    },
    countLogin: async (ctx, username) => {
      const network = toNetwork(ctx.ip);
      for (const [limiter, key] of [
        [loginsOfAddress, network],
        [logins, `${network}:${username}`],
        // Last, for what the others refuse must not use up a name.
        [loginsOfName, username],
      ] as const) {
        const { isOver, result } = await count(limiter, key);
        if (isOver) throw tooMany(result);
      }
    },
  };
}

function senderKey(ctx: Context, user: RequestUser | null): string {
  const network = toNetwork(ctx.ip);
  if (!user) return `address:${network}`;
  return user.tokenId === null ? `signed:${network}:${ctx.params.id}` : `user:${user.id}`;
}

/** A limit that is exceeded comes as a rejection with the result; any other rejection is trouble. */
async function count(
  limiter: RateLimiterAbstract,
  key: string,
  points = 1,
): Promise<{ isOver: boolean; result: RateLimiterRes }> {
  try {
    return { isOver: false, result: await limiter.consume(key, points) };
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
