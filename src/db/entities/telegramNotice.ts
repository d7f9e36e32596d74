import { defineEntity, p } from '@mikro-orm/core';
import type { EventObject } from '../../domain/event.ts';
import { newId } from '../ids.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'TelegramNotice',
  tableName: 'telegram_notices',
  uniques: [{ name: 'telegram_notices_object', properties: ['bot', 'chat', 'objectType', 'objectId'] }],
  indexes: [
    {
      name: 'telegram_notices_due',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.bot}, ${c.nextAttemptAt}) where ${c.nextAttemptAt} is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    /** The public number in front of the bot's token. */
    bot: p.text(),
    chat: p.text(),
    objectType: p.text().$type<EventObject>(),
    objectId: p.uuid(),
    /** What there is to tell: the newest of the object's events that are told; its data is the text. */
    eventId: p.uuid(),
    /** Telegram's id of the message, once there is one: it is edited from then on. */
    messageId: p.bigint('number').nullable(),
    /** What the message says now. */
    sentEventId: p.uuid().nullable(),
    attempts: p.integer().default(0),
    /** When to send; null while there is nothing new. */
    nextAttemptAt: p.datetime(3).nullable(),
    errorCode: p.text().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** The one message of a chat about one object. */
export class TelegramNotice extends schema.class {}
schema.setClass(TelegramNotice);
