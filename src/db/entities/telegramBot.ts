import { defineEntity, p } from '@mikro-orm/core';
import type { BotError } from '../../domain/telegram.ts';

const schema = defineEntity({
  name: 'TelegramBot',
  tableName: 'telegram_bots',
  properties: {
    /** The public number in front of the bot's token. */
    bot: p.text().primary(),
    /** What people find it by; null until Telegram was asked. */
    username: p.text().nullable(),
    /** Until then Telegram wants to hear nothing from it, for whichever chat. */
    blockedUntil: p.datetime(3).nullable(),
    /** The number of the next message to it, in Telegram's count, and when that was learnt. */
    updateOffset: p.bigint('number').nullable(),
    updateOffsetAt: p.datetime(3).nullable(),
    /** Why nothing can be sent, or no messages be read, right now; null when all is well. */
    errorCode: p.text().$type<BotError>().nullable(),
    /** What happened before it was known is not told by it. */
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A bot that sends notices, as far as it is. */
export class TelegramBot extends schema.class {}
schema.setClass(TelegramBot);
