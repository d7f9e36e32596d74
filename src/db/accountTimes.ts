import type { EntityManager } from '@mikro-orm/postgresql';
import type { AccountTimes } from '../views/accounts.ts';
import type { Account } from './entities/account.ts';
import { UNFINISHED } from './postStatuses.ts';
import { findFreeSlots, type SlotLimits } from './slots.ts';

interface Row {
  id: string;
  /** Milliseconds of the epoch: the driver gives raw times as texts. */
  scheduledMs: number[];
  lastMs: number | null;
}

const TIMES = `
  select a.id, ahead.scheduled as "scheduledMs", posted.last as "lastMs"
  from accounts a
  cross join lateral (
    select coalesce(array_agg(extract(epoch from first.due_at)::float8 * 1000 order by first.due_at), '{}') as scheduled from (
      select p.due_at from posts p where p.account_id = a.id and p.status in ${UNFINISHED} and p.due_at > ?
      order by p.due_at limit 100) first
  ) ahead
  cross join lateral (select extract(epoch from max(p.posted_at))::float8 * 1000 as last from posts p where p.account_id = a.id) posted
  where a.id in (?)`;

/**
 * Gives when posts of accounts go out and went out, by their ids. One that has nothing planned posts at no time when it does
 * not do so by itself, is paused, or needs other credentials.
 */
export async function loadAccountTimes(
  em: EntityManager,
  accounts: readonly Account[],
  limits: SlotLimits,
): Promise<Map<string, AccountTimes>> {
  if (accounts.length === 0) return new Map();
  const now = new Date();
  const rows = await em.execute<Row[]>(TIMES, [now, accounts.map(({ id }) => id)]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const idle = accounts.filter((account) => isPosting(account) && !byId.get(account.id)?.scheduledMs.length);
  const wanted = idle.map((account) => ({ account, platforms: account.platforms, count: 1 }));
  const free = await findFreeSlots(em, wanted, { limits, nowMs: now.getTime() });
  const nextOf = new Map(idle.map(({ id }, at) => [id, free[at]?.slots[0]]));
  return new Map(
    accounts.map(({ id }) => {
      const { scheduledMs = [], lastMs = null } = byId.get(id) ?? {};
      const scheduled = scheduledMs.map(toDate);
      const last = lastMs === null ? null : toDate(lastMs);
      const slot = nextOf.get(id);
      const next = scheduled[0] ?? (slot ? new Date(slot.atMs) : null);
      return [id, { scheduled, next, last }];
    }),
  );
}

/** Says whether a next post would get a slot, and go out in it as things are. */
const isPosting = ({ isAutoposting, isPaused, needsReauth, deletedAt }: Account): boolean =>
  isAutoposting && !isPaused && !needsReauth && !deletedAt;

const toDate = (ms: number): Date => new Date(Math.round(ms));
