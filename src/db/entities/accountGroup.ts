import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'AccountGroup',
  tableName: 'account_groups',
  uniques: [
    {
      name: 'account_groups_name',
      expression: (c, t, name) =>
        `create unique index "${name}" on ${t} (${c.user}, coalesce(${c.userLabel}, ''), ${c.name})`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    /** The end user in the caller's own system (`user_id` in the API); that of all its accounts. */
    userLabel: p.text().nullable(),
    name: p.text(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** Accounts that are posted to at once. */
export class AccountGroup extends schema.class {}
schema.setClass(AccountGroup);
