import { defineEntity, p } from '@mikro-orm/core';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'Feed',
  tableName: 'feeds',
  properties: {
    user: () => p.oneToOne(User).owner().primary().deleteRule('cascade'),
    /** The number of the user's last event. Written by the trigger `number_event` alone, as the last thing before a commit. */
    lastSequence: p.bigint('number').default(0),
    /** Up to this number events may have been removed, since their time was over. */
    expiredSequence: p.bigint('number').default(0),
    /** Up to this number they were looked through for what Telegram is to tell. */
    noticedSequence: p.bigint('number').default(0),
  },
});

/** How far the events of a user are. */
export class Feed extends schema.class {}
schema.setClass(Feed);
