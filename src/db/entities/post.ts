import { defineEntity, p } from '@mikro-orm/core';
import { POST_STATUSES, POST_TIMINGS } from '../../domain/post.ts';
import type { PostParams, PostWarning } from '../../domain/postParams.ts';
import { newId } from '../ids.ts';
import { HOLDING, PENDING, UNFINISHED } from '../postStatuses.ts';
import { Account } from './account.ts';
import { Target } from './target.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'Post',
  tableName: 'posts',
  uniques: [
    {
      name: 'posts_slot',
      expression: (c, t, name) =>
        `create unique index "${name}" on ${t} (${c.account}, ${c.slotAt}) where ${c.slotAt} is not null and ${c.status} in ${PENDING}`,
    },
  ],
  indexes: [
    {
      name: 'posts_user_newest',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.user}, ${c.id} desc)`,
    },
    {
      name: 'posts_user_calendar',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.user}, ${c.dueAt})`,
    },
    {
      name: 'posts_user_status',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.user}, ${c.status}, ${c.id} desc)`,
    },
    {
      name: 'posts_user_label',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.user}, ${c.userLabel}, ${c.id} desc) where ${c.userLabel} is not null`,
    },
    {
      name: 'posts_account_unfinished',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.account}, ${c.dueAt}) where ${c.status} in ${UNFINISHED}`,
    },
    {
      name: 'posts_account_time',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.account}, ${c.dueAt}) where ${c.status} in ${HOLDING}`,
    },
    {
      name: 'posts_account_posted',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.account}, ${c.postedAt}) where ${c.postedAt} is not null`,
    },
    {
      name: 'posts_account_newest',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.account}, ${c.id} desc)`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    account: () => p.manyToOne(Account).deleteRule('cascade'),
    /** No reference: the video may be deleted, and what was posted of it stays. */
    videoId: p.uuid().index(),
    /** That of the account (`user_id` in the API). */
    userLabel: p.text().nullable(),
    title: p.text(),
    description: p.text().nullable(),
    params: p.json<PostParams>(),
    /** Follows from the targets; written with them. */
    status: p.enum(POST_STATUSES).default('scheduled'),
    timing: p.enum(POST_TIMINGS),
    /** When it is to go out. */
    dueAt: p.datetime(3),
    /** The same where that is a slot of its account's; until it is over, no other post may have it. */
    slotAt: p.datetime(3).nullable(),
    /** The zone that its time was read in, and is shown in. */
    timeZone: p.text(),
    /** What clocks there should show then, where its time was said so; `2027-03-28T09:00`, with seconds where they were given. */
    wallTime: p.text().nullable(),
    /** By which edition of the IANA database its time was worked out. */
    tzVersion: p.text().default('unknown'),
    /** When it was confirmed that it is out. */
    postedAt: p.datetime(3).nullable(),
    warnings: p.json<PostWarning[]>().onCreate(() => []),
    /** Where its owner wants to be told of it beside webhooks and the feed. */
    notify: p.text().$type<'telegram'>().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p.datetime(3).onCreate(() => new Date()),

    targets: () => p.oneToMany(Target).mappedBy('post'),
  },
});

/** One video, by one account, at one time. */
export class Post extends schema.class {}
schema.setClass(Post);
