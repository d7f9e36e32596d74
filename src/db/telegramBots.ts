import type { EntityManager } from '@mikro-orm/postgresql';
import type { BotError } from '../domain/telegram.ts';
import { TelegramBot } from './entities/telegramBot.ts';

/** Bots as far as they are: their names, waits, and where their messages are read on. */
export class TelegramBotQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Makes sure that a bot is known: what happens from now on is told by it. */
  async ensure(bot: string): Promise<TelegramBot> {
    await this.#em.execute(
      'insert into telegram_bots (bot, created_at) values (?, now()) on conflict (bot) do nothing',
      [bot],
    );
    return this.#em.findOneOrFail(TelegramBot, { bot });
  }

  find(bot: string): Promise<TelegramBot | null> {
    return this.#em.findOne(TelegramBot, { bot });
  }

  async noteUsername(bot: string, username: string): Promise<void> {
    await this.#em.nativeUpdate(TelegramBot, { bot }, { username });
  }

  /** Keeps that Telegram wants to hear nothing from it for a time. */
  async block(bot: string, until: Date): Promise<void> {
    await this.#em.execute(
      'update telegram_bots set blocked_until = greatest(blocked_until, ?::timestamptz) where bot = ?',
      [until, bot],
    );
  }

  /** Keeps why nothing goes on right now; null when it does. */
  async noteError(bot: string, errorCode: BotError | null): Promise<void> {
    await this.#em.execute(
      'update telegram_bots set error_code = ?::text where bot = ? and error_code is distinct from ?::text',
      [errorCode, bot, errorCode],
    );
  }

  /** Keeps the number of the next message to the bot. */
  async noteOffset(bot: string, updateOffset: number): Promise<void> {
    await this.#em.nativeUpdate(TelegramBot, { bot }, { updateOffset, updateOffsetAt: new Date() });
  }
}
