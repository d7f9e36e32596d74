import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'TelegramLink',
  tableName: 'telegram_links',
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    bot: p.text(),
    /** SHA-256 of the code that is sent to the bot, in hex. */
    codeHash: p.text().unique(),
    expiresAt: p.datetime(3),
    /** The chat that sent the code; null while none has. */
    chat: p.text().nullable(),
    linkedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A user's offer to be told in whichever chat sends the code to the bot. */
export class TelegramLink extends schema.class {}
schema.setClass(TelegramLink);
