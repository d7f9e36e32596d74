import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
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
  async insert({ userId, code, ...columns }: NewTelegramLink): Promise<TelegramLink> {
    await this.#em.nativeDelete(TelegramLink, { user: userId, linkedAt: null });
    const user = this.#em.getReference(User, userId);
    const link = this.#em.create(TelegramLink, {
      ...columns,
      codeHash: hashToken(code),
      user,
    } as RequiredEntityData<TelegramLink>);
    await this.#em.flush();
    return link;
  }

  /** The latest of a user's. */
  findLatest(userId: string): Promise<TelegramLink | null> {
    return this.#em.findOne(TelegramLink, { user: userId }, { orderBy: { id: 'desc' } });
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
      const link = await tx.findOne(
        TelegramLink,
        { codeHash: hashToken(code), bot },
        { lockMode: LockMode.PESSIMISTIC_WRITE, populate: ['user'] },
      );
      if (!link) return { outcome: 'unknown' };
      const { username } = link.user;
      // Its answer may not have got through.
      if (link.linkedAt) return link.chat === chat ? { outcome: 'linked', username } : { outcome: 'used' };
      if (link.expiresAt.getTime() <= Date.now()) return { outcome: 'expired' };
      tx.assign(link, { chat, linkedAt: new Date() });
      await setTelegramChat(tx, link.user.id, chat);
      return { outcome: 'linked', username };
    });
  }

  /** Ends a user's chat, and what it has offered. */
  async unlink(userId: string): Promise<void> {
    await this.#em.transactional(async (tx) => {
      await tx.nativeDelete(TelegramLink, { user: userId });
      await setTelegramChat(tx, userId, null);
    });
  }
}
