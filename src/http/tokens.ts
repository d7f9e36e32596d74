import { z } from 'zod';
import type { Token } from '../db/entities/token.ts';
import type { User } from '../db/entities/user.ts';
import type { NewToken } from '../db/tokens.ts';
import { verifyPassword } from '../secrets/password.ts';
import { hashToken, makeToken } from '../secrets/token.ts';
import { challenge, requireScope } from './auth.ts';
import { listOf, pageFields, toList, toPage } from './pagination.ts';
import { idParams } from './parse.ts';
import { HttpProblem, invalidRequest, notFound } from './problem.ts';
import { defineRoute, type HttpDeps, type Route } from './route.ts';
import { scopeList, scopesField, timeField } from './userFields.ts';

const TEN_YEARS_SEC = 10 * 365 * 24 * 3600;

const tokenFields = {
  id: z.uuid(),
  name: z.string().nullable(),
  scopes: scopeList,
  created_at: timeField,
  expires_at: timeField.nullable(),
  last_used_at: timeField.nullable(),
};
const tokenView = z.strictObject(tokenFields).meta({ id: 'Token' });
const newTokenView = z
  .strictObject({ token: z.string().meta({ description: 'Shown this once only' }), ...tokenFields })
  .meta({ id: 'NewToken' });

const toTokenView = (token: Token): z.input<typeof tokenView> => ({
  id: token.id,
  name: token.name ?? null,
  scopes: token.scopes,
  created_at: token.createdAt.toISOString(),
  expires_at: token.expiresAt?.toISOString() ?? null,
  last_used_at: token.lastUsedAt?.toISOString() ?? null,
});

const createToken = defineRoute({
  method: 'post',
  path: '/v1/tokens',
  operationId: 'createToken',
  tag: 'Tokens',
  summary: 'Log in: make a token from username and password',
  description: [
    'An unknown user and a wrong password get the same answer after the same time.',
    'Without `scopes` the token may do all that its user may. Without `expires_in` it lives until it is revoked.',
    'This is the one POST without `Idempotency-Key`, because its answer must not be kept.',
  ].join('\n'),
  scope: null,
  body: z.strictObject({
    username: z
      .string()
      .toLowerCase()
      .max(256)
      .meta({ examples: ['ada'] }),
    password: z
      .string()
      .max(256)
      .meta({ format: 'password', examples: ['correct horse battery'] }),
    name: z.string().trim().min(1).max(200).optional().meta({ description: 'To tell tokens apart' }),
    scopes: scopesField.optional(),
    expires_in: z.number().int().min(1).max(TEN_YEARS_SEC).optional().meta({ description: 'Seconds' }),
  }),
  responses: {
    201: { description: 'The token; it is not shown again', schema: newTokenView },
    401: { description: '`invalid_credentials`: unknown user or wrong password' },
  },
  handler: async ({ ctx, body, deps }) => {
    await deps.limits.countLogin(ctx, body.username);
    const user = await deps.db.users.findByUsername(body.username);
    if (!(await verifyPassword(body.password, user?.passwordHash ?? null)) || !user) {
      throw wrongCredentials();
    }
    const token = makeToken();
    const row = await insertToken(user, deps, {
      name: body.name ?? null,
      hash: hashToken(token),
      scopes: allowedScopes(user, body.scopes),
      expiresAt: body.expires_in === undefined ? null : new Date(Date.now() + body.expires_in * 1000),
    });
    return { status: 201, body: { token, ...toTokenView(row) } };
  },
});

/** The one scheme that is understood here is the token's, so that is what a login is told, too. */
const wrongCredentials = (): HttpProblem =>
  new HttpProblem('invalid_credentials', undefined, { headers: challenge() });

/**
 * Checking a password takes long enough for it to be changed meanwhile, which revokes every token there
 * is. The lock makes this token one of them, or none at all.
 *
 * @throws HttpProblem `invalid_credentials` when the user is gone or has another password than was checked
 */
async function insertToken(checked: User, { db }: HttpDeps, token: Omit<NewToken, 'userId'>): Promise<Token> {
  return db.transaction(async ({ users, tokens }) => {
    const user = await users.lock(checked.id);
    if (user?.passwordHash !== checked.passwordHash) throw wrongCredentials();
    return tokens.insert({ ...token, userId: user.id });
  });
}

/** @throws HttpProblem `invalid_request` for a scope that the user does not have */
function allowedScopes(user: User, wanted: User['scopes'] | undefined): User['scopes'] {
  const missing = wanted?.find((scope) => !user.scopes.includes(scope));
  if (missing) throw invalidRequest([{ path: 'scopes', message: `the user does not have "${missing}"` }]);
  return wanted ?? user.scopes;
}

const listTokens = defineRoute({
  method: 'get',
  path: '/v1/tokens',
  operationId: 'listTokens',
  tag: 'Tokens',
  summary: 'List the tokens that are not revoked',
  description:
    "Never shows the tokens themselves. An administrator may ask for another user's with `owner_id`.",
  scope: 'read',
  query: z.strictObject({ ...pageFields, owner_id: z.uuid().optional() }),
  responses: { 200: { description: 'Newest first', schema: listOf(tokenView) } },
  handler: async ({ query, user, deps }) => {
    const ownerId = query.owner_id ?? user.id;
    if (ownerId !== user.id) requireScope(user, 'admin');
    const page = toPage(query);
    const rows = await deps.db.tokens.list(ownerId, page);
    return { status: 200, body: toList(rows, page, toTokenView) };
  },
});

const revokeToken = defineRoute({
  method: 'delete',
  path: '/v1/tokens/:id',
  operationId: 'revokeToken',
  tag: 'Tokens',
  summary: 'Revoke a token; it is dead at once',
  description: "An administrator may revoke anybody's.",
  scope: 'write',
  params: idParams,
  responses: { 204: { description: 'Revoked' } },
  handler: async ({ params, user, deps }) => {
    const ownerId = user.scopes.includes('admin') ? null : user.id;
    if (!(await deps.db.tokens.revoke(params.id, ownerId))) throw notFound();
    return { status: 204 };
  },
});

export const tokenRoutes: Route[] = [createToken, listTokens, revokeToken];
