import type { Context } from 'koa';
import type { Scope } from '../db/entities/user.ts';
import { hashToken, isTokenShaped } from '../secrets/token.ts';
import { HttpProblem } from './problem.ts';
import type { HttpDeps, RequestUser } from './route.ts';

const BEARER = /^Bearer +(\S+) *$/i;

/**
 * What RFC 9110 §15.5.2 wants in every 401: how to do better. RFC 6750 §3: a request without any credentials is told the scheme
 * only, one with bad ones also why.
 */
export const challenge = (error?: string): Record<string, string> => ({
  'WWW-Authenticate': error ? `Bearer realm="videoflow", error="${error}"` : 'Bearer realm="videoflow"',
});

/** A request without a token, or with one that stands for nobody. */
export const unauthorized = (error?: string): HttpProblem =>
  new HttpProblem('unauthorized', undefined, { headers: challenge(error) });

/**
 * Gives the owner of the request's bearer token. Asked of the database every time, so that a revoked
 * token is dead at once.
 *
 * @throws HttpProblem `unauthorized`, the same for a missing, unknown, expired and revoked token but for the challenge
 */
export async function authenticate(ctx: Context, { db }: HttpDeps): Promise<RequestUser> {
  const header = ctx.get('Authorization');
  if (!header) throw unauthorized();
  const token = BEARER.exec(header)?.[1];
  if (!token || !isTokenShaped(token)) throw unauthorized('invalid_token');
  const owner = await db.tokens.findOwner(hashToken(token));
  if (!owner) throw unauthorized('invalid_token');
  return { id: owner.userId, username: owner.username, scopes: owner.scopes, tokenId: owner.tokenId };
}

/** @throws HttpProblem `insufficient_scope` */
export function requireScope(user: RequestUser, scope: Scope): void {
  if (user.scopes.includes(scope)) return;
  throw new HttpProblem('insufficient_scope', `This needs a token with the scope "${scope}"`, {
    headers: {
      'WWW-Authenticate': `Bearer realm="videoflow", error="insufficient_scope", scope="${scope}"`,
    },
  });
}
