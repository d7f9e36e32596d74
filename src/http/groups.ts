import { z } from 'zod';
import { AlreadyGroupedError, type GroupOfAccounts, UnusableAccountsError } from '../db/groups.ts';
import { groupSchema, toGroupView } from '../views/accounts.ts';
import { slotLimitsOf } from './accounts/answers.ts';
import { listOf, pageFields, toList, toPage } from './pagination.ts';
import { idField, idParams } from './parse.ts';
import { type FieldError, HttpProblem, invalidRequest, notFound } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import { line, userLabelField } from './uploads/videoFields.ts';

const TAG = 'Accounts';
const MAX_NAMED_ACCOUNTS = 1000;

const nameField = line(200).meta({ description: 'Unique per user and `user_id`', example: 'Cooking' });

const accountIdsField = z
  .array(idField)
  .max(MAX_NAMED_ACCOUNTS)
  .transform((ids) => [...new Set(ids)])
  .meta({
    description:
      'The accounts that are in it, in place of those that were: accounts of the same `user_id` that are in no other group',
  });

const toView = ({ group, accountIds }: GroupOfAccounts) => toGroupView(group, accountIds);

/** Says which of the accounts that were named cannot be in the group. */
async function namingAccounts<Result>(accountIds: readonly string[], work: Promise<Result>): Promise<Result> {
  const naming = (ids: readonly string[], message: string): FieldError[] =>
    ids.map((id) => ({ path: `account_ids.${accountIds.indexOf(id)}`, message }));
  try {
    return await work;
  } catch (error) {
    if (error instanceof UnusableAccountsError)
      throw invalidRequest(naming(error.ids, 'is not the id of an account of the same user_id'));
    if (error instanceof AlreadyGroupedError)
      throw new HttpProblem('already_grouped', undefined, {
        errors: naming(error.ids, 'is in another group'),
        cause: error,
      });
    throw error;
  }
}

const REFUSALS = {
  409: {
    description:
      '`already_exists`: another of this `user_id` has the name; `already_grouped`: accounts are in another group, which `errors` names',
  },
  422: { description: '`invalid_request`: also accounts that are not there, or of another `user_id`' },
};

const createGroup = defineRoute({
  method: 'post',
  path: '/v1/groups',
  operationId: 'createGroup',
  tag: TAG,
  summary: 'Make a group of accounts, to post to all of them at once',
  scope: 'publish',
  body: z.strictObject({
    name: nameField,
    user_id: userLabelField.nullable().optional(),
    account_ids: accountIdsField.optional(),
  }),
  responses: {
    201: { description: 'The group', schema: groupSchema, headers: { Location: 'The address of the group' } },
    403: { description: '`quota_exceeded`: there are as many as may be' },
    ...REFUSALS,
  },
  handler: async ({ body, deps, idempotency, user }) => {
    const { config } = deps;
    const accountIds = body.account_ids ?? [];
    const wanted = { userId: user.id, userLabel: body.user_id ?? null, name: body.name, accountIds };
    // There is no use in more groups than there may be accounts.
    const limits = { ...slotLimitsOf(config), maxGroups: config.MAX_ACCOUNTS };
    return idempotency.commit(async ({ groups }) => {
      const made = await namingAccounts(accountIds, groups.insert(wanted, limits));
      const headers = { Location: `${config.PUBLIC_URL}/v1/groups/${made.id}` };
      return { status: 201, headers, body: toView(made), objectId: made.id };
    });
  },
});

const listGroups = defineRoute({
  method: 'get',
  path: '/v1/groups',
  operationId: 'listGroups',
  tag: TAG,
  summary: 'List groups, newest first',
  scope: 'read',
  query: z.strictObject({
    ...pageFields,
    user_id: userLabelField.optional(),
    name: line(200).optional(),
  }),
  responses: { 200: { description: 'One page', schema: listOf(groupSchema) } },
  handler: async ({ deps, query, user }) => {
    const page = toPage(query);
    const filter = {
      ...(query.user_id === undefined ? {} : { userLabel: query.user_id }),
      ...(query.name === undefined ? {} : { name: query.name }),
    };
    return { status: 200, body: toList(await deps.db.groups.list(user.id, filter, page), page, toView) };
  },
});

const getGroup = defineRoute({
  method: 'get',
  path: '/v1/groups/:id',
  operationId: 'getGroup',
  tag: TAG,
  summary: 'A group and its accounts',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The group', schema: groupSchema } },
  handler: async ({ deps, params, user }) => {
    const group = await deps.db.groups.find(user.id, params.id);
    if (!group) throw notFound();
    return { status: 200, body: toView(group) };
  },
});

const changeGroup = defineRoute({
  method: 'patch',
  path: '/v1/groups/:id',
  operationId: 'changeGroup',
  tag: TAG,
  summary: 'Rename a group, or say which accounts are in it',
  description: 'An account is in one group at most: move one with `group` of the account itself.',
  scope: 'publish',
  params: idParams,
  body: z.strictObject({ name: nameField.optional(), account_ids: accountIdsField.optional() }),
  responses: { 200: { description: 'The group as it is now', schema: groupSchema }, ...REFUSALS },
  handler: async ({ body, deps, params, user }) => {
    const changes = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.account_ids === undefined ? {} : { accountIds: body.account_ids }),
    };
    const changed = deps.db.groups.change(user.id, params.id, changes, slotLimitsOf(deps.config));
    const group = await namingAccounts(body.account_ids ?? [], changed);
    if (!group) throw notFound();
    return { status: 200, body: toView(group) };
  },
});

const deleteGroup = defineRoute({
  method: 'delete',
  path: '/v1/groups/:id',
  operationId: 'deleteGroup',
  tag: TAG,
  summary: 'Remove a group; its accounts stay, and so do their posts',
  scope: 'publish',
  params: idParams,
  responses: { 204: { description: 'Removed' } },
  handler: async ({ deps, params, user }) => {
    if (!(await deps.db.groups.remove(user.id, params.id, slotLimitsOf(deps.config)))) throw notFound();
    return { status: 204 };
  },
});

/** Groups of accounts. */
export const groupRoutes: readonly Route[] = [createGroup, listGroups, getGroup, changeGroup, deleteGroup];
