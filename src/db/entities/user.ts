import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';

export const SCOPES = ['read', 'write', 'publish', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

const schema = defineEntity({
  name: 'User',
  tableName: 'users',
  indexes: [
    {
      name: 'users_telegram_chat',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.telegramChat}) where ${c.telegramChat} is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    username: p.text().unique(),
    passwordHash: p.text(),
    name: p.text().nullable(),
    scopes: p.array().$type<Scope[]>(),
    timeZone: p.text().default('UTC'),
    telegramChat: p.text().nullable(),
    /** Why nothing is sent to that chat any more; null while it is. */
    telegramOffReason: p.text().nullable(),
    notices: p.json<Record<string, boolean>>().onCreate(() => ({})),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** An API user: owns everything below it (the tenant boundary). */
export class User extends schema.class {}
schema.setClass(User);
