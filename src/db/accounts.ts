import {
  type FilterQuery,
  type RequiredEntityData,
  UniqueConstraintViolationException,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Autoposting, LateAction } from '../domain/account.ts';
import type { Platform, Provider } from '../domain/platform.ts';
import { VideoflowError } from '../errors.ts';
import type { AccountTimes } from '../views/accounts.ts';
import { tellAccount } from './accountEvents.ts';
import { loadAccountTimes } from './accountTimes.ts';
import { Account } from './entities/account.ts';
import { AccountGroup } from './entities/accountGroup.ts';
import { Post } from './entities/post.ts';
import { User } from './entities/user.ts';
import { endPosts } from './postEnds.ts';
import type { SlotLimits } from './slots.ts';
import { QuotaExceededError, UploadQueries } from './uploads.ts';
import type { Page } from './videos.ts';

/** Another account of the same `user_id` has this name. */
export class AccountTakenError extends VideoflowError {
  readonly code = 'already_exists';
}

/** There is no group of this id that the account could be in. */
export class UnusableGroupError extends VideoflowError {
  readonly code = 'invalid_request';
}

/** What its owner may change of an account. */
export interface AccountColumns extends Omit<Autoposting, 'isEnabled' | 'days'> {
  username: string;
  platforms: Platform[];
  isAi: boolean;
  groupId: string | null;
  timeZone: string;
  isAutoposting: boolean;
  days: Account['days'];
  lateAction: LateAction;
  maxLateMinutes: number;
  isPaused: boolean;
  /** Sealed, and tied to the account and its owner. */
  sealedCredentials: string | null;
}

export interface NewAccount extends AccountColumns {
  id: string;
  userId: string;
  userLabel: string | null;
  provider: Provider;
}

export interface AccountFilter {
  userLabel?: string;
  username?: string;
  groupId?: string;
}

/**
 * Gives an account, and keeps it as it is until the transaction ends; null when the user has none of this id, or has
 * deleted it. Posts of it may still be inserted meanwhile, but not by those who hold it as well.
 */
export async function holdAccount(tx: EntityManager, userId: string, id: string): Promise<Account | null> {
  const held = await tx.execute<unknown[]>(
    'select id from accounts where id = ? and user_id = ? and deleted_at is null for no key update',
    [id, userId],
  );
  // A statement of its own: only one that begins under the lock sees what its last holder has written.
  return held.length === 1 ? tx.findOne(Account, { id }, { refresh: true }) : null;
}

/** Accounts, for their owners; `userId` is always the owner's, so another's row is never found. */
export class AccountQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Makes an account. Call it in a transaction.
   *
   * @throws QuotaExceededError; AccountTakenError; UnusableGroupError
   */
  async insert(
    { userId, groupId, ...columns }: NewAccount,
    { maxAccounts, ...limits }: SlotLimits & { maxAccounts: number },
  ): Promise<Account> {
    await new UploadQueries(this.#em).holdUser(userId);
    const count = await this.#em.count(Account, { user: userId, deletedAt: null });
    if (count >= maxAccounts)
      throw new QuotaExceededError(`There are ${count} accounts already; remove one of them first`);
    const group = groupId === null ? null : await holdGroupFor(this.#em, userId, groupId);
    if (group) assertAlike(group, columns);
    const row = this.#em.create(Account, {
      ...columns,
      group,
      user: this.#em.getReference(User, userId),
      // Nobody has to be asked about the built-in one.
      ...(columns.provider === 'test' ? { checkedRevision: 1 } : { statusReason: 'unchecked' }),
    } as RequiredEntityData<Account>);
    await flushName(this.#em);
    await tellAccount(this.#em, row.id, 'account.created', limits);
    return row;
  }

  find(userId: string, id: string): Promise<Account | null> {
    return this.#em.findOne(Account, { id, user: userId, deletedAt: null });
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(userId: string, { groupId, ...filter }: AccountFilter, page: Page): Promise<Account[]> {
    const where: FilterQuery<Account> = {
      ...{ user: userId, deletedAt: null },
      ...filter,
      ...(groupId === undefined ? {} : { group: groupId }),
      ...(page.beforeId ? { id: { $lt: page.beforeId } } : {}),
    };
    return this.#em.find(Account, where, { orderBy: { id: 'desc' }, limit: page.limit + 1 });
  }

  /** When their posts go out and went out, by their ids. */
  loadTimes(accounts: readonly Account[], limits: SlotLimits): Promise<Map<string, AccountTimes>> {
    return loadAccountTimes(this.#em, accounts, limits);
  }

  /**
   * Changes what its owner may change, and what is left out stays; null when there is no such account. Credentials that
   * are given are others, also where they read the same. Of what its provider is asked about, whatever is given to an account
   * that is not well has it asked anew, also where it says the same: that is how an owner tells that something was mended
   * over there. What is being asked already is not: each new question would forget how long the provider wants to be left alone.
   *
   * @throws AccountTakenError; UnusableGroupError
   */
  change(
    userId: string,
    id: string,
    { groupId, ...columns }: Partial<AccountColumns>,
    limits: SlotLimits,
  ): Promise<Account | null> {
    return this.#em.transactional(async (tx) => {
      // Before the account, as by all who hold both.
      const group = groupId ? await holdGroupFor(tx, userId, groupId) : null;
      const row = await holdAccount(tx, userId, id);
      if (!row) return null;
      if (group) assertAlike(group, row);
      const isMoved = groupId !== undefined && groupId !== (row.group?.id ?? null);
      const differing = differingOf(row, columns);
      if (isAskedAbout(row, isUnwell(row) ? columns : differing)) row.credentialsRevision += 1;
      if (!isMoved && Object.keys(differing).length === 0) return row;
      tx.assign(row, { ...differing, ...(isMoved ? { group } : {}), updatedAt: new Date() });
      if (isAskedAbout(row, differing)) doubt(row, 'sealedCredentials' in differing);
      await flushName(tx);
      await tellAccount(tx, id, 'account.updated', limits);
      return row;
    });
  }

  /**
   * Removes an account for everybody, and its credentials for good; its name can be used again. False when there is no such
   * account.
   *
   * @param options.isForced cancels its posts that are not over
   * @throws PostsUnfinishedError; TooLateError when one of those that should be cancelled cannot be
   */
  remove(
    userId: string,
    id: string,
    { isForced, limits }: { isForced: boolean; limits: SlotLimits },
  ): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      const row = await holdAccount(tx, userId, id);
      if (!row) return false;
      await endPosts(tx, { accountId: id }, isForced);
      const now = new Date();
      tx.assign(row, { deletedAt: now, updatedAt: now, group: null, sealedCredentials: null });
      await tellAccount(tx, id, 'account.deleted', limits);
      // Only its posts still need it.
      if (!(await tx.findOne(Post, { account: id }, { fields: ['id'] })))
        await tx.nativeDelete(Account, { id });
      return true;
    });
  }
}

/** @throws UnusableGroupError: the two are of different end users */
function assertAlike(group: AccountGroup, { userLabel }: { userLabel?: string | null | undefined }): void {
  if ((group.userLabel ?? null) !== (userLabel ?? null)) throw unusableGroup();
}

/** What a provider is asked about. Flic knows no names. */
const ASKED_ABOUT = {
  upload_post: ['sealedCredentials', 'username', 'platforms'],
  flic: ['sealedCredentials', 'platforms'],
  test: [],
} as const satisfies Record<Provider, readonly (keyof AccountColumns)[]>;

const isAskedAbout = ({ provider }: Account, columns: object): boolean =>
  ASKED_ABOUT[provider].some((column) => column in columns);

/** It was asked about, and something was wrong with it, or nobody could say. */
const isUnwell = ({ statusReason, checkedRevision, credentialsRevision }: Account): boolean =>
  Boolean(statusReason) && checkedRevision === credentialsRevision;

/** What is known is of others than those of now. */
function doubt(row: Account, areCredentialsOthers: boolean): void {
  if (areCredentialsOthers) row.needsReauth = false;
  if (!row.needsReauth) Object.assign(row, { statusReason: 'unchecked', unconnectedPlatforms: [] });
}

/** Gives those of the columns that are others than those of the row. */
function differingOf(row: Account, columns: Partial<Omit<AccountColumns, 'groupId'>>) {
  const isOther = ([name, value]: [string, unknown]): boolean =>
    name === 'sealedCredentials' || JSON.stringify(row[name as keyof Account]) !== JSON.stringify(value);
  return Object.fromEntries(Object.entries(columns).filter(isOther)) as typeof columns;
}

/** Gives a group that accounts are put into, and keeps it from being removed until the transaction ends. @throws UnusableGroupError */
async function holdGroupFor(tx: EntityManager, userId: string, id: string): Promise<AccountGroup> {
  await tx.execute('select id from account_groups where id = ? and user_id = ? for share', [id, userId]);
  const group = await tx.findOne(AccountGroup, { id, user: userId }, { refresh: true });
  if (!group) throw unusableGroup();
  return group;
}

const unusableGroup = (): UnusableGroupError =>
  new UnusableGroupError('is not the id of a group of the same user_id');

/** @throws AccountTakenError */
async function flushName(tx: EntityManager): Promise<void> {
  try {
    await tx.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new AccountTakenError('Another account of this user_id has this username', { cause: error });
  }
}
