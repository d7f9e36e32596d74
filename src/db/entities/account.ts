import { defineEntity, p } from '@mikro-orm/core';
import { ACCOUNT_REASONS, LATE_ACTIONS, type Weekday } from '../../domain/account.ts';
import { type Platform, PROVIDERS } from '../../domain/platform.ts';
import { newId } from '../ids.ts';
import { AccountGroup } from './accountGroup.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'Account',
  tableName: 'accounts',
  uniques: [
    {
      name: 'accounts_username',
      expression: (c, t, name) =>
        `create unique index "${name}" on ${t} (${c.user}, coalesce(${c.userLabel}, ''), ${c.username}) where ${c.deletedAt} is null`,
    },
  ],
  indexes: [
    {
      name: 'accounts_user_newest',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.user}, ${c.id} desc) where ${c.deletedAt} is null`,
    },
    {
      name: 'accounts_unchecked',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.id}) where ${c.checkedRevision} < ${c.credentialsRevision} and ${c.deletedAt} is null`,
    },
    {
      name: 'accounts_unwell',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.checkedAt}) where ${c.statusReason} <> 'credentials_refused' and ${c.deletedAt} is null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    /** The end user in the caller's own system (`user_id` in the API). */
    userLabel: p.text().nullable(),
    /** Of `upload_post` the name of the profile there. */
    username: p.text(),
    provider: p.enum(PROVIDERS),
    platforms: p.array().$type<Platform[]>(),
    isAi: p.boolean().default(false),
    group: () => p.manyToOne(AccountGroup).deleteRule('set null').nullable().index(),
    timeZone: p.text(),

    /** As `Autoposting`. */
    isAutoposting: p.boolean(),
    startMinute: p.integer(),
    endMinute: p.integer(),
    intervalMinutes: p.integer(),
    days: p.array().$type<Weekday[]>(),

    lateAction: p.enum(LATE_ACTIONS),
    maxLateMinutes: p.integer(),

    /** Paused by its owner. */
    isPaused: p.boolean().default(false),
    /** Its provider refused its own credentials, and it has got no others since. */
    needsReauth: p.boolean().default(false),
    statusReason: p.enum(ACCOUNT_REASONS).nullable(),
    /** Those that the profile lacks, where that is the reason; else none. */
    unconnectedPlatforms: p.array().$type<Platform[]>().default([]),

    /** JSON, sealed and tied to this row; null: the service's own, where its user may use them, or none are needed. */
    sealedCredentials: p.text().nullable(),
    /** Raised whenever the provider is to be asked anew, so that what is found out about what was before changes nothing. */
    credentialsRevision: p.integer().default(1),
    /** The newest revision whose check has come to an end, with whatever outcome. */
    checkedRevision: p.integer().default(0),
    /** When that was. */
    checkedAt: p.datetime(3).nullable(),

    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p.datetime(3).onCreate(() => new Date()),
    /** Gone for everybody; the row stays for the posts that went out by it. Its credentials are gone as well. */
    deletedAt: p.datetime(3).nullable(),
  },
});

/** A publishing identity at a provider. */
export class Account extends schema.class {}
schema.setClass(Account);
