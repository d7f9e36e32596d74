import type { EntityManager } from '@mikro-orm/postgresql';
import type { AccountTimes } from '../views/accounts.ts';
import type { Account } from './entities/account.ts';

/** How soon a slot may be, and how far ahead one is looked for. */
export interface SlotLimits {
  leadSec: number;
  horizonDays: number;
}

/** Gives when posts of accounts go out and went out, by their ids. */
export async function loadAccountTimes(
  em: EntityManager,
  accounts: readonly Account[],
  _limits: SlotLimits,
): Promise<Map<string, AccountTimes>> {
  if (accounts.length === 0) return new Map();
  const rows = await em.execute<{ id: string; scheduled: Date[] | null; last: Date | null }[]>(
    `select a.id,
       (select array_agg(due_at order by due_at) from (
         select due_at from posts where account_id = a.id and status in ('scheduled', 'publishing') and due_at > now()
         order by due_at limit 100) ahead) as scheduled,
       (select max(posted_at) from posts where account_id = a.id) as last
     from accounts a where a.id in (?)`,
    [accounts.map(({ id }) => id)],
  );
  return new Map(
    rows.map(({ id, scheduled, last }) => [
      id,
      { scheduled: scheduled ?? [], next: scheduled?.[0] ?? null, last },
    ]),
  );
}
