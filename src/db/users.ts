import {
  ForeignKeyConstraintViolationException,
  LockMode,
  type RequiredEntityData,
  UniqueConstraintViolationException,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { VideoflowError } from '../errors.ts';
import { type Scope, User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { Webhook } from './entities/webhook.ts';
import { setTelegramChat } from './telegramChats.ts';
import type { Page } from './videos.ts';
import { WebhookQueries } from './webhooks.ts';

const BATCH = 5000;

/** Another user has this name. */
export class UsernameTakenError extends VideoflowError {
  readonly code = 'already_exists';
}

/** The user still owns something that must go first. */
export class UserInUseError extends VideoflowError {
  readonly code = 'in_use';
}

/** Without this user nobody could administrate. */
export class LastAdminError extends VideoflowError {
  readonly code = 'last_admin';
}

export interface NewUser {
  username: string;
  passwordHash: string;
  name: string | null;
  scopes: Scope[];
}

export type UserChanges = Partial<
  Pick<User, 'name' | 'passwordHash' | 'scopes' | 'timeZone' | 'telegramChat' | 'notices'>
>;

export class UserQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** @throws UsernameTakenError */
  async insert(user: NewUser): Promise<User> {
    const row = this.#em.create(User, user as RequiredEntityData<User>);
    try {
      await this.#em.flush();
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) {
        throw new UsernameTakenError('There is a user of this name already', { cause: error });
      }
      throw error;
    }
    return row;
  }

  find(id: string): Promise<User | null> {
    return this.#em.findOne(User, { id });
  }

  findByUsername(username: string): Promise<User | null> {
    return this.#em.findOne(User, { username });
  }

  /** Gives a user and keeps it as it is until the transaction ends. Only of use in `db.transaction`. */
  lock(id: string): Promise<User | null> {
    return this.#em.findOne(User, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(page: Page): Promise<User[]> {
    const where = page.beforeId ? { id: { $lt: page.beforeId } } : {};
    return this.#em.find(User, where, { orderBy: { id: 'desc' }, limit: page.limit + 1 });
  }

  /**
   * Changes a user; null when there is none.
   *
   * @throws LastAdminError when that would leave no administrator
   */
  change(id: string, changes: UserChanges): Promise<User | null> {
    return this.#em.transactional(async (tx) => {
      const user = await tx.findOne(User, { id });
      if (!user) return null;
      if (changes.scopes && !changes.scopes.includes('admin')) await keepAnAdmin(tx, user);
      const { telegramChat: chat, ...columns } = changes;
      tx.assign(user, columns);
      const isOtherChat = chat !== undefined && (chat !== user.telegramChat || user.telegramOffReason);
      if (isOtherChat) {
        await setTelegramChat(tx, id, chat);
        await tx.refresh(user);
      }
      return user;
    });
  }

  /**
   * Removes a user with its tokens and keys; false when there is none. What it has published by, and what is told of it, may
   * be more than one statement has time for, so these go first, in parts, once it is known that the user may go: who is
   * cut off meanwhile, or finds a video that has come since, leaves a user without them. Call it outside of a transaction.
   *
   * @throws UserInUseError while it owns videos, LastAdminError
   */
  async remove(id: string): Promise<boolean> {
    if (!(await this.#em.transactional((tx) => mayGo(tx, id)))) return false;
    await this.#removePublishing(id);
    await this.#removeTellings(id);
    try {
      return await this.#em.transactional(
        async (tx) => (await mayGo(tx, id)) && (await tx.nativeDelete(User, { id })) === 1,
      );
    } catch (error) {
      if (error instanceof ForeignKeyConstraintViolationException) {
        throw stillInUse(error);
      }
      throw error;
    }
  }

  /** Without videos none of its posts can go out any more. */
  async #removePublishing(userId: string): Promise<void> {
    await this.#removeInParts('posts', userId);
    // Before their user, for whoever changes one holds it before its user, and in the order that everybody has.
    await this.#removeInParts('accounts', userId);
    await this.#removeInParts('account_groups', userId);
  }

  async #removeInParts(table: 'posts' | 'accounts' | 'account_groups', userId: string): Promise<void> {
    for (let removed = BATCH; removed === BATCH; ) {
      const rows = await this.#em.execute<{ id: string }[]>(
        `with going as materialized (select id from ${table} where user_id = ? order by id limit ${BATCH} for update)
         delete from ${table} t using going where t.id = going.id returning t.id`,
        [userId],
      );
      removed = rows.length;
    }
  }

  async #removeTellings(userId: string): Promise<void> {
    const webhooks = await this.#em.find(
      Webhook,
      { user: userId },
      { fields: ['id'], disableIdentityMap: true },
    );
    for (const { id } of webhooks) await new WebhookQueries(this.#em.fork()).remove(userId, id);
    // Said before they go, as always: whoever reads on takes nothing for all.
    await this.#em.execute('update feeds set expired_sequence = last_sequence where user_id = ?', [userId]);
    for (let removed = BATCH; removed === BATCH; ) {
      const rows = await this.#em.execute<{ id: string }[]>(
        `delete from events where id in (select id from events where user_id = ? limit ${BATCH}) returning id`,
        [userId],
      );
      removed = rows.length;
    }
  }
}

/** Says whether there is such a user, that may be removed. @throws UserInUseError, LastAdminError */
async function mayGo(tx: EntityManager, id: string): Promise<boolean> {
  const user = await tx.findOne(User, { id });
  if (!user) return false;
  await keepAnAdmin(tx, user);
  // Asked, not tried: that would hold the user and wait for the videos, and whoever changes one of these, and
  // tells of it, does it the other way round.
  if ((await tx.count(Video, { user: id })) > 0) throw stillInUse();
  return true;
}

const stillInUse = (cause?: unknown): UserInUseError =>
  new UserInUseError('The user still has videos; delete them first', { cause });

/** Two administrators that remove each other at the same moment must not both succeed, hence the locks. */
async function keepAnAdmin(tx: EntityManager, leaving: User): Promise<void> {
  if (!leaving.scopes.includes('admin')) return;
  const admins = await tx.execute<{ id: string }[]>(
    `select id from users where 'admin' = any(scopes) order by id for update`,
  );
  if (admins.every((admin) => admin.id === leaving.id)) {
    throw new LastAdminError('The last administrator cannot be removed');
  }
}
