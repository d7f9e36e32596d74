import { type RequiredEntityData, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { VideoflowError } from '../errors.ts';
import { tellAccounts } from './accountEvents.ts';
import { Account } from './entities/account.ts';
import { AccountGroup } from './entities/accountGroup.ts';
import { User } from './entities/user.ts';
import type { SlotLimits } from './slots.ts';
import { QuotaExceededError, UploadQueries } from './uploads.ts';
import type { Page } from './videos.ts';

/** Another group of the same `user_id` has this name. */
export class GroupTakenError extends VideoflowError {
  readonly code = 'already_exists';
}

/** Some of the accounts cannot be in the group, since there are none of these ids and this `user_id`. */
export class UnusableAccountsError extends VideoflowError {
  readonly code = 'invalid_request';
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super('Some accounts are none of the same user_id');
    this.ids = ids;
  }
}

/** Some of the accounts are in another group: nobody takes them out of there by the way. */
export class AlreadyGroupedError extends VideoflowError {
  readonly code = 'already_grouped';
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super('Some accounts are in another group; take them out of it first');
    this.ids = ids;
  }
}

export interface NewGroup {
  userId: string;
  userLabel: string | null;
  name: string;
  accountIds: readonly string[];
}

/** A group with the ids of its accounts, oldest first. */
export interface GroupOfAccounts {
  id: string;
  group: AccountGroup;
  accountIds: readonly string[];
}

export interface GroupFilter {
  userLabel?: string;
  name?: string;
}

/**
 * Groups of accounts, for their owners; `userId` is always the owner's, so another's row is never found. Whoever changes
 * which accounts are in a group holds the group first and then the accounts, in the order of their ids.
 */
export class GroupQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Makes a group. Call it in a transaction.
   *
   * @throws QuotaExceededError; GroupTakenError; UnusableAccountsError; AlreadyGroupedError
   */
  async insert(
    { userId, accountIds, ...columns }: NewGroup,
    { maxGroups, ...limits }: SlotLimits & { maxGroups: number },
  ): Promise<GroupOfAccounts> {
    await new UploadQueries(this.#em).holdUser(userId);
    const count = await this.#em.count(AccountGroup, { user: userId });
    if (count >= maxGroups)
      throw new QuotaExceededError(`There are ${count} groups already; remove one of them first`);
    const user = this.#em.getReference(User, userId);
    const group = this.#em.create(AccountGroup, { ...columns, user } as RequiredEntityData<AccountGroup>);
    await flushName(this.#em);
    await setAccounts(this.#em, group, accountIds, limits);
    return { id: group.id, group, accountIds: [...accountIds].sort() };
  }

  async find(userId: string, id: string): Promise<GroupOfAccounts | null> {
    const group = await this.#em.findOne(AccountGroup, { id, user: userId });
    return group && ((await withAccounts(this.#em, [group]))[0] ?? null);
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  async list(userId: string, filter: GroupFilter, page: Page): Promise<GroupOfAccounts[]> {
    const before = page.beforeId ? { id: { $lt: page.beforeId } } : {};
    const groups = await this.#em.find(
      AccountGroup,
      { user: userId, ...filter, ...before },
      { orderBy: { id: 'desc' }, limit: page.limit + 1 },
    );
    return withAccounts(this.#em, groups);
  }

  /**
   * Renames a group, or says anew which accounts are in it; null when there is no such group.
   *
   * @throws GroupTakenError; UnusableAccountsError; AlreadyGroupedError
   */
  change(
    userId: string,
    id: string,
    { name, accountIds }: { name?: string; accountIds?: readonly string[] },
    limits: SlotLimits,
  ): Promise<GroupOfAccounts | null> {
    return this.#em.transactional(async (tx) => {
      const group = await holdGroup(tx, userId, id, 'no key update');
      if (!group) return null;
      if (name !== undefined && name !== group.name) tx.assign(group, { name, updatedAt: new Date() });
      await flushName(tx);
      if (accountIds && (await setAccounts(tx, group, accountIds, limits))) group.updatedAt = new Date();
      await tx.flush();
      return (await withAccounts(tx, [group]))[0] ?? null;
    });
  }

  /** Removes a group and leaves its accounts. False when the user has no such group. */
  remove(userId: string, id: string, limits: SlotLimits): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      const group = await holdGroup(tx, userId, id, 'update');
      if (!group) return false;
      await setAccounts(tx, group, [], limits);
      await tx.nativeDelete(AccountGroup, { id });
      return true;
    });
  }
}

async function holdGroup(
  tx: EntityManager,
  userId: string,
  id: string,
  strength: 'update' | 'no key update',
): Promise<AccountGroup | null> {
  const held = await tx.execute<unknown[]>(
    `select id from account_groups where id = ? and user_id = ? for ${strength}`,
    [id, userId],
  );
  return held.length === 1 ? tx.findOne(AccountGroup, { id }, { refresh: true }) : null;
}

async function withAccounts(em: EntityManager, groups: AccountGroup[]): Promise<GroupOfAccounts[]> {
  if (groups.length === 0) return [];
  const rows = await em.execute<{ id: string; groupId: string }[]>(
    `select id, group_id as "groupId" from accounts where group_id in (?) and deleted_at is null order by id`,
    [groups.map(({ id }) => id)],
  );
  return groups.map((group) => ({
    ...{ id: group.id, group },
    accountIds: rows.filter(({ groupId }) => groupId === group.id).map(({ id }) => id),
  }));
}

/**
 * Makes these the accounts of a group that is held.
 *
 * @returns whether they were others before
 * @throws UnusableAccountsError; AlreadyGroupedError
 */
async function setAccounts(
  tx: EntityManager,
  group: AccountGroup,
  ids: readonly string[],
  limits: SlotLimits,
): Promise<boolean> {
  const accounts = await holdAccounts(tx, group, ids);
  const wanted = accounts.filter(({ id }) => ids.includes(id));
  const usable = wanted.filter(({ userLabel }) => (userLabel ?? null) === (group.userLabel ?? null));
  const unusable = ids.filter((id) => !usable.some((account) => account.id === id));
  if (unusable.length > 0) throw new UnusableAccountsError(unusable);
  const elsewhere = wanted.filter((account) => account.group && account.group.id !== group.id);
  if (elsewhere.length > 0) throw new AlreadyGroupedError(elsewhere.map(({ id }) => id));
  const changed = accounts.filter((account) => ids.includes(account.id) !== (account.group?.id === group.id));
  const updatedAt = new Date();
  for (const account of changed)
    tx.assign(account, { group: ids.includes(account.id) ? group : null, updatedAt });
  await tellAccounts(
    tx,
    changed.map(({ id }) => id),
    'account.updated',
    limits,
  );
  return changed.length > 0;
}

/** Gives the user's accounts of these ids and those that are in the group, and keeps them as they are. */
async function holdAccounts(
  tx: EntityManager,
  group: AccountGroup,
  ids: readonly string[],
): Promise<Account[]> {
  const [named, values] = ids.length > 0 ? ['or id in (?)', [[...ids]]] : ['', []];
  const held = await tx.execute<{ id: string }[]>(
    `select id from accounts where user_id = ? and deleted_at is null and (group_id = ? ${named})
     order by id for no key update`,
    [group.user.id, group.id, ...values],
  );
  const where = { id: { $in: held.map(({ id }) => id) } };
  return tx.find(Account, where, { orderBy: { id: 'asc' }, refresh: true });
}

/** @throws GroupTakenError */
async function flushName(tx: EntityManager): Promise<void> {
  try {
    await tx.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new GroupTakenError('Another group of this user_id has this name', { cause: error });
  }
}
