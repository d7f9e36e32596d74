import { defineEntity, p } from '@mikro-orm/core';
import type { Platform } from '../../domain/platform.ts';
import { TARGET_STATES } from '../../domain/post.ts';
import { newId } from '../ids.ts';
import { Post } from './post.ts';

const schema = defineEntity({
  name: 'Target',
  tableName: 'targets',
  uniques: [{ properties: ['post', 'platform'] }],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    post: () => p.manyToOne(Post).deleteRule('cascade'),
    platform: p.text().$type<Platform>(),
    state: p.enum(TARGET_STATES).default('planned'),
    /** How often it was armed. */
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime(3).nullable(),
    percent: p.integer().default(0),
    sentBytes: p.bigint('number').nullable(),
    totalBytes: p.bigint('number').nullable(),
    /** The provider's or the platform's id of it, and where it can be seen. */
    externalId: p.text().nullable(),
    url: p.text().nullable(),
    /** What its state rests on, in words for people. */
    evidence: p.text().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    errorRetryable: p.boolean().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** One platform of a post: the ledger of what was sent there. */
export class Target extends schema.class {}
schema.setClass(Target);
