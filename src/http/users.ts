import { z } from 'zod';
import type { Scope } from '../db/entities/user.ts';
import type { UserChanges } from '../db/users.ts';
import { hashPassword } from '../secrets/password.ts';
import { listOf, pageFields, toList, toPage } from './pagination.ts';
import { idParams } from './parse.ts';
import { notFound } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import {
  passwordField,
  personNameField,
  scopesField,
  toUserView,
  usernameField,
  userView,
} from './userFields.ts';

/** What a user may do when nobody says otherwise: all but administrate. */
const USUAL_SCOPES: Scope[] = ['read', 'write', 'publish'];

const createUser = defineRoute({
  method: 'post',
  path: '/v1/users',
  operationId: 'createUser',
  tag: 'Users',
  summary: 'Make a user',
  description: 'Without `scopes` the user may do everything but administrate.',
  scope: 'admin',
  body: z.strictObject({
    username: usernameField,
    password: passwordField,
    name: personNameField.optional(),
    scopes: scopesField.optional(),
  }),
  responses: {
    201: { description: 'The user', schema: userView, headers: { Location: 'Where the user is found' } },
    409: { description: '`already_exists`: the username is taken' },
  },
  handler: async ({ body, idempotency, deps }) => {
    const passwordHash = await hashPassword(body.password);
    return idempotency.commit(async (queries) => {
      const user = await queries.users.insert({
        username: body.username,
        passwordHash,
        name: body.name ?? null,
        scopes: body.scopes ?? USUAL_SCOPES,
      });
      const headers = { Location: `${deps.config.PUBLIC_URL}/v1/users/${user.id}` };
      return { status: 201, body: toUserView(user), headers, objectId: user.id };
    });
  },
});

const listUsers = defineRoute({
  method: 'get',
  path: '/v1/users',
  operationId: 'listUsers',
  tag: 'Users',
  summary: 'List all users',
  scope: 'admin',
  query: z.strictObject(pageFields),
  responses: { 200: { description: 'Newest first', schema: listOf(userView) } },
  handler: async ({ query, deps }) => {
    const page = toPage(query);
    return { status: 200, body: toList(await deps.db.users.list(page), page, toUserView) };
  },
});

const getUser = defineRoute({
  method: 'get',
  path: '/v1/users/:id',
  operationId: 'getUser',
  tag: 'Users',
  summary: 'Show a user',
  scope: 'admin',
  params: idParams,
  responses: { 200: { description: 'The user', schema: userView } },
  handler: async ({ params, deps }) => {
    const user = await deps.db.users.find(params.id);
    if (!user) throw notFound();
    return { status: 200, body: toUserView(user) };
  },
});

const changeUser = defineRoute({
  method: 'patch',
  path: '/v1/users/:id',
  operationId: 'changeUser',
  tag: 'Users',
  summary: "Change a user's name, scopes or password",
  description: [
    "A scope that is taken from a user is gone from its tokens at once. A new password revokes all of the user's tokens.",
    'The last administrator keeps `admin`.',
  ].join('\n'),
  scope: 'admin',
  params: idParams,
  body: z.strictObject({
    name: personNameField.optional(),
    scopes: scopesField.optional(),
    password: passwordField.optional(),
  }),
  responses: {
    200: { description: 'The user as changed', schema: userView },
    409: { description: '`last_admin`: nobody could administrate any more' },
  },
  handler: async ({ params, body, deps }) => {
    const columns: UserChanges = {};
    if (body.name !== undefined) columns.name = body.name;
    if (body.scopes !== undefined) columns.scopes = body.scopes;
    if (body.password !== undefined) columns.passwordHash = await hashPassword(body.password);
    const user = await deps.db.transaction(async (queries) => {
      const changed = await queries.users.change(params.id, columns);
      // Only now: a login that ends at the same moment holds the user until its token can be seen.
      if (columns.passwordHash) await queries.tokens.revokeAll(params.id, null);
      return changed;
    });
    if (!user) throw notFound();
    return { status: 200, body: toUserView(user) };
  },
});

const deleteUser = defineRoute({
  method: 'delete',
  path: '/v1/users/:id',
  operationId: 'deleteUser',
  tag: 'Users',
  summary: 'Delete a user and its tokens',
  scope: 'admin',
  params: idParams,
  responses: {
    204: { description: 'Deleted' },
    409: { description: '`in_use`: the user still has videos; `last_admin`' },
  },
  handler: async ({ params, deps }) => {
    if (!(await deps.db.users.remove(params.id))) throw notFound();
    return { status: 204 };
  },
});

export const userRoutes: Route[] = [createUser, listUsers, getUser, changeUser, deleteUser];
