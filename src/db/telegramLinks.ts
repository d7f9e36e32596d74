import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { BOT_ERRORS } from '../domain/telegram.ts';
import { hashToken } from '../secrets/token.ts';
import { TelegramLink } from './entities/telegramLink.ts';
import { User } from './entities/user.ts';
import { setTelegramChat } from './telegramChats.ts';

export interface NewTelegramLink {
  userId: string;
  bot: string;
  code: string;
  expiresAt: Date;
}

/** What became of a code that somebody sent. `used`: by another chat; the same one may repeat it. */
export type TakenLink = { outcome: 'linked'; username: string } | { outcome: 'used' | 'expired' | 'unknown' };

/** Offers to be told in whichever chat sends a code. */
export class TelegramLinkQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Makes an offer; those that the user made before and nobody took are over. */
  insert({ userId, code, ...columns }: NewTelegramLink): Promise<TelegramLink> {
    return this.#em.transactional(async (tx) => {
      await holdUser(tx, userId);
      await tx.nativeDelete(TelegramLink, { user: userId, linkedAt: null });
      const user = tx.getReference(User, userId);
      const link = tx.create(TelegramLink, {
        ...columns,
        codeHash: hashToken(code),
        user,
      } as RequiredEntityData<TelegramLink>);
      await tx.flush();
      // Found out when somebody last tried to read, perhaps long ago: it is tried anew for this one.
      await tx.execute('update telegram_bots set error_code = null where bot = ? and error_code in (?)', [
        columns.bot,
        [BOT_ERRORS.conflict, BOT_ERRORS.unavailable],
      ]);
      return link;
    });
  }

  /** The latest of a user's. */
  findLatest(userId: string): Promise<TelegramLink | null> {
    return this.#em.findOne(TelegramLink, { user: userId }, { orderBy: { id: 'desc' } });
  }

  /** Says whether a chat has sent a code of this user's to a bot; unlinking forgets it. */
  async hasLinked(userId: string, bot: string, chat: string): Promise<boolean> {
    return (await this.#em.count(TelegramLink, { user: userId, bot, chat, linkedAt: { $ne: null } })) > 0;
  }

  /** Until when somebody may still send a code to a bot; null when nobody may. */
  async openUntil(bot: string): Promise<Date | null> {
    const [row] = await this.#em.execute<{ at: string | null }[]>(
      'select max(expires_at) as at from telegram_links where bot = ? and linked_at is null and expires_at > now()',
      [bot],
    );
    return row?.at ? new Date(row.at) : null;
  }

  /** Gives a chat to the user whose code it sent: once, and in time. */
  take(bot: string, code: string, chat: string): Promise<TakenLink> {
    return this.#em.transactional(async (tx) => {
      const offered = { codeHash: hashToken(code), bot };
      const offer = await tx.findOne(TelegramLink, offered);
      if (!offer) return { outcome: 'unknown' };
      const username = await holdUser(tx, offer.user.id);
      // What a user offers and takes is one after the other: it may be over by now, or taken.
      const link = await tx.findOne(TelegramLink, offered, { refresh: true });
      if (!link || username === null) return { outcome: 'unknown' };
      // Its answer may not have got through.
      if (link.linkedAt) return link.chat === chat ? { outcome: 'linked', username } : { outcome: 'used' };
      if (link.expiresAt.getTime() <= Date.now()) return { outcome: 'expired' };
      // One is proof enough of whose chat that is.
      await tx.nativeDelete(TelegramLink, { user: link.user.id, bot, chat });
      tx.assign(link, { chat, linkedAt: new Date() });
      await setTelegramChat(tx, link.user.id, chat);
      return { outcome: 'linked', username };
    });
  }

  /** Ends a user's chat, and what it has offered. */
  async unlink(userId: string): Promise<void> {
    await this.#em.transactional(async (tx) => {
      await holdUser(tx, userId);
      await tx.nativeDelete(TelegramLink, { user: userId });
      await setTelegramChat(tx, userId, null);
    });
  }
}

/** The first that all take who change what a user has offered. @returns the name; null when there is no such user */
async function holdUser(tx: EntityManager, userId: string): Promise<string | null> {
  const [user] = await tx.execute<{ username: string }[]>(
    'select username from users where id = ? for no key update',
    [userId],
  );
  return user?.username ?? null;
}
