import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { User } from './user.ts';

/** An answer as it was given the first time. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  /** JSON text, so that a replay has its fields in the same order; null for no body. */
  body: string | null;
}

const schema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  uniques: [{ properties: ['user', 'route', 'key'] }],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    route: p.text(),
    key: p.text(),
    /** SHA-256 over what makes two requests the same; null until the body is read. */
    fingerprint: p.text().nullable(),
    /** Who works on it: a lease holder's random name. */
    holder: p.text(),
    leaseUntil: p.datetime(3),
    /** The object that the first answer was about; a replay may show it as it is now. */
    objectId: p.uuid().nullable(),
    answer: p.json<StoredAnswer>().nullable(),
    createdAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .index(),
  },
});

/** A client's promise that two requests are one. */
export class IdempotencyKey extends schema.class {}
schema.setClass(IdempotencyKey);
