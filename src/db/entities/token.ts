import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { type Scope, User } from './user.ts';

const schema = defineEntity({
  name: 'Token',
  tableName: 'tokens',
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    name: p.text().nullable(),
    /** SHA-256 of the token in hex; the token itself is never stored. */
    hash: p.text().unique(),
    scopes: p.array().$type<Scope[]>(),
    expiresAt: p.datetime(3).nullable(),
    revokedAt: p.datetime(3).nullable(),
    lastUsedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A bearer token of a user. */
export class Token extends schema.class {}
schema.setClass(Token);
