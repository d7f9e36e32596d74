import type { EntityManager } from '@mikro-orm/postgresql';
import type { AccountReason } from '../domain/account.ts';
import type { Platform, Provider } from '../domain/platform.ts';
import { tellAccount } from './accountEvents.ts';
import { holdAccount } from './accounts.ts';
import { Account } from './entities/account.ts';
import type { SlotLimits } from './slots.ts';

/** One revision of what an account's provider has to be asked about. */
export interface AccountCheck {
  accountId: string;
  revision: number;
}

/** An account whose provider has not been asked yet. */
export interface UncheckedAccount {
  id: string;
  userId: string;
  /** Of the user, who may be among those that use the service's own credentials. */
  ownerName: string;
  provider: Provider;
  username: string;
  platforms: readonly Platform[];
  /** As they are kept; null: the service's own, or none. */
  sealedCredentials: string | null;
}

/** What is known after a check. */
export interface CheckOutcome {
  reason: AccountReason | null;
  /** Left out where nobody was asked: it stays as it is. */
  needsReauth?: boolean;
  /** Where the reason is that some are not connected. */
  unconnectedPlatforms?: readonly Platform[];
}

const PAGE = 200;

/** Checks of accounts, of all users. */
export class AccountCheckQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Null when there is nothing to be asked any more: it is gone, overtaken by another revision, or checked. */
  async find({ accountId, revision }: AccountCheck): Promise<UncheckedAccount | null> {
    const row = await this.#em.findOne(Account, toCheck({ accountId, revision }), { populate: ['user'] });
    if (!row) return null;
    const { id, user, provider, username, platforms, sealedCredentials } = row;
    const owner = { userId: user.id, ownerName: user.username };
    return { id, ...owner, provider, username, platforms, sealedCredentials: sealedCredentials ?? null };
  }

  /**
   * Writes down what came of a check, and tells of it where that changes anything; unless the account is gone, or another
   * revision has overtaken this one.
   *
   * @returns whether it still counted
   */
  record(check: AccountCheck, outcome: CheckOutcome, limits: SlotLimits): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      const row = await hold(tx, check);
      if (!row) return false;
      endCheck(row);
      const { reason, needsReauth = row.needsReauth, unconnectedPlatforms = [] } = outcome;
      const isSame = row.statusReason === reason && row.needsReauth === needsReauth;
      if (!isSame || row.unconnectedPlatforms.join() !== unconnectedPlatforms.join()) {
        const known = { statusReason: reason, needsReauth, unconnectedPlatforms: [...unconnectedPlatforms] };
        Object.assign(row, known, { updatedAt: new Date() });
        const type = outcome.needsReauth ? 'account.reauth_required' : 'account.updated';
        await tellAccount(tx, row.id, type, limits);
      }
      return true;
    });
  }

  /** Ends a check that came to nothing: the account stays as it is. */
  giveUp(check: AccountCheck): Promise<boolean> {
    return this.#em.transactional(async (tx) => {
      const row = await hold(tx, check);
      if (row) endCheck(row);
      return row !== null;
    });
  }

  /**
   * Has providers asked anew about accounts that were not well when they were last asked, before a time: what was wrong may
   * have been mended where nobody tells of it. Only those whose own credentials were refused wait for others.
   *
   * @returns the number of accounts, some hundred at most
   */
  async raiseUnwell(before: Date): Promise<number> {
    // Not those that somebody holds: they have their turn at the next look.
    const raised = await this.#em.execute<unknown[]>(
      `update accounts set credentials_revision = credentials_revision + 1
       where id in (
         select id from accounts
         where status_reason <> 'credentials_refused' and deleted_at is null and checked_at < ?
           and checked_revision = credentials_revision
         order by checked_at limit ${PAGE} for no key update skip locked)
       returning id`,
      [before],
    );
    return raised.length;
  }

  /** Unchecked ones that nothing has happened to since a time, in pages by id. */
  listUnchecked(afterId: string | null, before: Date): Promise<(AccountCheck & { userId: string })[]> {
    return this.#em.execute(
      `select id as "accountId", user_id as "userId", credentials_revision as revision from accounts
       where checked_revision < credentials_revision and deleted_at is null and updated_at < ?
         and (?::uuid is null or id > ?::uuid)
       order by id limit ${PAGE}`,
      [before, afterId, afterId],
    );
  }
}

/** Of a row that is held for it: the check is that of its revision. */
const endCheck = (row: Account): void =>
  void Object.assign(row, { checkedRevision: row.credentialsRevision, checkedAt: new Date() });

/** As the index `accounts_unchecked` has it. */
const toCheck = ({ accountId, revision }: AccountCheck) => ({
  ...{ id: accountId, deletedAt: null },
  ...{ credentialsRevision: revision, checkedRevision: { $lt: revision } },
});

/** Gives the account of a check that still counts, and keeps it as it is until the transaction ends. */
async function hold(tx: EntityManager, check: AccountCheck): Promise<Account | null> {
  const found = await tx.findOne(Account, toCheck(check));
  const row = found && (await holdAccount(tx, found.user.id, check.accountId));
  const counts = row && row.credentialsRevision === check.revision && row.checkedRevision < check.revision;
  return counts ? row : null;
}
