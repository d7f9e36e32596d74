import { z } from 'zod';
import type { AccountColumns } from '../../db/accounts.ts';
import type { Account } from '../../db/entities/account.ts';
import { newId } from '../../db/ids.ts';
import { accountSchema } from '../../views/accounts.ts';
import { listOf, pageFields, toList, toPage } from '../pagination.ts';
import { forceField, idField, idParams } from '../parse.ts';
import { notFound } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { line, userLabelField } from '../uploads/videoFields.ts';
import { findAccount, showAccounts, slotLimitsOf, startCheck, TAG } from './answers.ts';
import { checkChanges, checkNew, namingGroup, toCredentialsColumn, toWholeColumns } from './changes.ts';
import { sealCredentials } from './credentials.ts';
import { changedFields, identityFields, toColumns, writableFields } from './fields.ts';

const createAccount = defineRoute({
  method: 'post',
  path: '/v1/accounts',
  operationId: 'createAccount',
  tag: TAG,
  summary: 'Add an account to publish with',
  description: [
    'It is kept at once, and its credentials are checked afterwards where the provider has a way to: until then its `status_reason` is',
    '`unchecked`, and it may post all the same. Credentials of its own that the provider refuses make it `reauth_required`.',
  ].join('\n'),
  scope: 'publish',
  body: z.strictObject({ ...writableFields, ...identityFields }),
  responses: {
    201: {
      description: 'The account',
      schema: accountSchema,
      headers: { Location: 'The address of the account' },
    },
    403: { description: '`quota_exceeded`: there are as many as may be' },
    409: { description: '`already_exists`: another of this `user_id` has the name' },
    422: {
      description: '`invalid_request`: also credentials that are missing, or those of another provider',
    },
  },
  handler: async (request) => {
    const { body, deps, idempotency, user } = request;
    const { config } = deps;
    checkNew(request, body.provider, body);
    const id = newId();
    const wanted = {
      ...(await toWholeColumns(request, body.provider, body)),
      ...{ id, userId: user.id, userLabel: body.user_id ?? null, provider: body.provider },
      sealedCredentials: sealCredentials(request, id, body.credentials),
    };
    const limits = { ...slotLimitsOf(config), maxAccounts: config.MAX_ACCOUNTS };
    let account: Account | undefined;
    const reply = await idempotency.commit(async (queries) => {
      account = await namingGroup(queries.accounts.insert(wanted, limits));
      const toView = await showAccounts(queries, [account], config);
      const headers = { Location: `${config.PUBLIC_URL}/v1/accounts/${id}` };
      return { status: 201, headers, body: toView(account), objectId: id };
    });
    if (account) startCheck(request, account);
    return reply;
  },
});

const listAccounts = defineRoute({
  method: 'get',
  path: '/v1/accounts',
  operationId: 'listAccounts',
  tag: TAG,
  summary: 'List accounts, newest first',
  scope: 'read',
  query: z.strictObject({
    ...pageFields,
    user_id: userLabelField.optional(),
    username: line(200).optional(),
    group: idField.optional().meta({ description: 'The id of a group' }),
  }),
  responses: { 200: { description: 'One page', schema: listOf(accountSchema) } },
  handler: async ({ deps, query, user }) => {
    const page = toPage(query);
    const filter = {
      ...(query.user_id === undefined ? {} : { userLabel: query.user_id }),
      ...(query.username === undefined ? {} : { username: query.username }),
      ...(query.group === undefined ? {} : { groupId: query.group }),
    };
    const rows = await deps.db.accounts.list(user.id, filter, page);
    return { status: 200, body: toList(rows, page, await showAccounts(deps.db, rows, deps.config)) };
  },
});

const getAccount = defineRoute({
  method: 'get',
  path: '/v1/accounts/:id',
  operationId: 'getAccount',
  tag: TAG,
  summary: 'An account, whether it can post, and when it does',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The account', schema: accountSchema } },
  handler: async (request) => toReply(request, await findAccount(request, request.params.id)),
});

async function toReply({ deps }: RouteRequest, account: Account): Promise<Reply> {
  const toView = await showAccounts(deps.db, [account], deps.config);
  return { status: 200, body: toView(account) };
}

/** Changes an account, has its provider asked where that is to be known anew, and answers with it. */
async function change(request: RouteRequest, id: string, columns: Partial<AccountColumns>): Promise<Reply> {
  const { deps, user } = request;
  const changed = deps.db.accounts.change(user.id, id, columns, slotLimitsOf(deps.config));
  const account = await namingGroup(changed);
  if (!account) throw notFound();
  startCheck(request, account);
  return toReply(request, account);
}

const CHANGED_ANSWERS = {
  200: { description: 'The account as it is now', schema: accountSchema },
  409: { description: '`already_exists`: another of this `user_id` has the name' },
  422: {
    description:
      '`invalid_request`: also another `provider` or `user_id`, or the credentials of another provider',
  },
};

const replaceAccount = defineRoute({
  method: 'put',
  path: '/v1/accounts/:id',
  operationId: 'replaceAccount',
  tag: TAG,
  summary: 'Say everything of an account anew',
  description: [
    'What is left out is as it is of a new account, so that it is also active and in no group; only the credentials stay, for nobody',
    'can read them. `provider` and `user_id` stay as well. Posts keep the times that they have.',
  ].join('\n'),
  scope: 'publish',
  params: idParams,
  body: z.strictObject({ ...changedFields, username: writableFields.username }),
  responses: CHANGED_ANSWERS,
  handler: async (request) => {
    const { body, params } = request;
    const before = await findAccount(request, params.id);
    checkChanges(request, before, body);
    return change(request, params.id, {
      ...(await toWholeColumns(request, before.provider, body)),
      ...toCredentialsColumn(request, before, body),
    });
  },
});

const changeAccount = defineRoute({
  method: 'patch',
  path: '/v1/accounts/:id',
  operationId: 'changeAccount',
  tag: TAG,
  summary: 'Change some of an account',
  description: [
    'What is left out stays, also of `autoposting` and `late_policy`. New credentials are checked again, and end `reauth_required`;',
    '`credentials: null` goes back to those that this installation is configured with. Posts keep the times that they have.',
  ].join('\n'),
  scope: 'publish',
  params: idParams,
  body: z.strictObject(changedFields),
  responses: CHANGED_ANSWERS,
  handler: async (request) => {
    const { body, params } = request;
    const before = await findAccount(request, params.id);
    checkChanges(request, before, body);
    const columns = { ...toColumns(body), ...toCredentialsColumn(request, before, body) };
    return change(request, params.id, columns);
  },
});

const deleteAccount = defineRoute({
  method: 'delete',
  path: '/v1/accounts/:id',
  operationId: 'deleteAccount',
  tag: TAG,
  summary: 'Remove an account and its credentials',
  description:
    'What was posted stays, there and here. Posts that are not over keep it, unless they are cancelled with it.',
  scope: 'publish',
  params: idParams,
  query: z.strictObject({ force: forceField }),
  responses: {
    204: { description: 'Removed' },
    409: {
      description:
        '`in_use`: posts of it are not over, which `errors` names; `too_late`: one of them can no longer be cancelled',
    },
  },
  handler: async ({ deps, params, query, user }) => {
    const limits = slotLimitsOf(deps.config);
    const isRemoved = await deps.db.accounts.remove(user.id, params.id, { isForced: query.force, limits });
    if (!isRemoved) throw notFound();
    return { status: 204 };
  },
});

/** Accounts; see also their slots. */
export const accountRoutes: readonly Route[] = [
  createAccount,
  listAccounts,
  getAccount,
  replaceAccount,
  changeAccount,
  deleteAccount,
];
