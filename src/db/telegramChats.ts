import type { EntityManager } from '@mikro-orm/postgresql';
import { tell } from './events.ts';

/**
 * Gives a user another chat for notices, or none. What happened before is not told there, and what was still to be told
 * elsewhere is not. Call it in a transaction, as the last thing but events: it takes the user's counter of events.
 */
export async function setTelegramChat(tx: EntityManager, userId: string, chat: string | null): Promise<void> {
  await tx.flush();
  // Users first, then notices, then the counter: the order of all that has to do with chats.
  const [before] = await tx.execute<{ chat: string | null }[]>(
    'select telegram_chat as chat from users where id = ? for no key update',
    [userId],
  );
  await tx.execute(
    `update telegram_notices set next_attempt_at = null
     where user_id = ? and next_attempt_at is not null and chat = ?::text and chat is distinct from ?::text`,
    [userId, before?.chat ?? null, chat],
  );
  await tx.execute('update users set telegram_chat = ?::text, telegram_off_reason = null where id = ?', [
    chat,
    userId,
  ]);
  await tx.execute('update feeds set noticed_sequence = last_sequence where user_id = ?', [userId]);
}

/** Chats that turn out not to take messages, or to have moved, whoever's they are. */
export class TelegramChatQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Ends what is to be told in a chat, and says so to the users whose chat it is; a label's chat just ends. */
  switchOff(bot: string, chat: string, reason: string): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const users = await tx.execute<{ id: string }[]>(
        `update users set telegram_off_reason = ? where id in (
           select id from users where telegram_chat = ? and telegram_off_reason is null order by id for no key update)
         returning id`,
        [reason, chat],
      );
      // The order in which their counters are taken.
      users.sort((one, other) => one.id.localeCompare(other.id));
      await tx.execute(
        `update telegram_notices set next_attempt_at = null, error_code = ?, updated_at = now()
         where bot = ? and chat = ? and next_attempt_at is not null`,
        [reason, bot, chat],
      );
      await tell(
        tx,
        users.map(({ id }) => ({
          userId: id,
          type: 'telegram.disabled',
          object: { type: 'telegram', id },
          videoId: null,
          data: { reason },
        })),
      );
    });
  }

  /** Follows a group that has another id now; what was already told there under both ids is kept under the new one. */
  move(bot: string, from: string, to: string): Promise<void> {
    return this.#em.transactional(async (tx) => {
      await tx.execute('update users set telegram_chat = ? where telegram_chat = ?', [to, from]);
      // Who has linked the group has linked what became of it.
      await tx.execute('update telegram_links set chat = ? where bot = ? and chat = ?', [to, bot, from]);
      await tx.execute(
        `delete from telegram_notices old using telegram_notices new
         where old.bot = ? and old.chat = ? and new.bot = old.bot and new.chat = ?
           and new.object_type = old.object_type and new.object_id = old.object_id`,
        [bot, from, to],
      );
      // The messages of before stay in the old group, which is no more.
      await tx.execute(
        `update telegram_notices set chat = ?, message_id = null, updated_at = now() where bot = ? and chat = ?`,
        [to, bot, from],
      );
    });
  }
}
