import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventType } from '../domain/event.ts';
import { toAccountView } from '../views/accounts.ts';
import { loadAccountTimes } from './accountTimes.ts';
import { Account } from './entities/account.ts';
import { asWritten, tell } from './events.ts';
import type { SlotLimits } from './slots.ts';

type AccountEvent = Extract<EventType, `account.${string}`>;

/** Tells what has become of an account, in the transaction of the change and after it. */
export const tellAccount = (
  tx: EntityManager,
  id: string,
  type: AccountEvent,
  limits: SlotLimits,
): Promise<void> => tellAccounts(tx, [id], type, limits);

/** The same of several, in the order of their ids. */
export async function tellAccounts(
  tx: EntityManager,
  ids: readonly string[],
  type: AccountEvent,
  limits: SlotLimits,
): Promise<void> {
  if (ids.length === 0) return;
  const em = await asWritten(tx);
  const accounts = await em.find(Account, { id: { $in: [...ids] } }, { orderBy: { id: 'asc' } });
  const times = await loadAccountTimes(em, accounts, limits);
  await tell(
    tx,
    accounts.map((account) => ({
      userId: account.user.id,
      type,
      object: { type: 'account', id: account.id },
      videoId: null,
      data: toAccountView(account, times.get(account.id) ?? NO_TIMES),
    })),
  );
}

const NO_TIMES = { scheduled: [], next: null, last: null };
