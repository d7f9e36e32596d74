import type { Config } from '../../config.ts';
import type { Account } from '../../db/entities/account.ts';
import type { Queries } from '../../db/index.ts';
import { toAccountView } from '../../views/accounts.ts';
import { notFound } from '../problem.ts';
import type { RouteRequest } from '../route.ts';

export const TAG = 'Accounts';

/** Between which times slots are looked for. */
export const slotLimitsOf = (config: Config) => ({
  leadSec: config.SLOT_LEAD_SEC,
  horizonDays: config.SLOT_HORIZON_DAYS,
});

/** Gives a user's account. @throws HttpProblem `not_found` */
export async function findAccount({ deps, user }: RouteRequest, id: string): Promise<Account> {
  const account = await deps.db.accounts.find(user.id, id);
  if (!account) throw notFound();
  return account;
}

type AccountView = ReturnType<typeof toAccountView>;

/** Gives accounts as the API shows them, with their times of now. */
export async function showAccounts(
  { accounts }: Pick<Queries, 'accounts'>,
  rows: readonly Account[],
  config: Config,
): Promise<(row: Account) => AccountView> {
  const times = await accounts.loadTimes(rows, slotLimitsOf(config));
  return (row) => toAccountView(row, times.get(row.id) ?? { scheduled: [], next: null, last: null });
}

/** Has the account's provider asked, where nobody has yet. The row is committed. */
export function startCheck({ ctx, deps, user }: RouteRequest, account: Account): void {
  const { id: accountId, credentialsRevision: revision, checkedRevision } = account;
  if (checkedRevision >= revision) return;
  const { requestId } = ctx.state;
  // Not waited for: the reconciler repeats what did not get through.
  void deps.flows.checkAccount({ accountId, userId: user.id, revision, requestId });
}
