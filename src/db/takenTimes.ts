import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import { onTimeWithinMs, type TakenTime } from '../domain/slots.ts';
import type { Account } from './entities/account.ts';
import { HOLDING, UNFINISHED } from './postStatuses.ts';

/** From when to when the posts of an account are asked for. */
export interface TimeRange {
  account: Pick<Account, 'id' | 'intervalMinutes'>;
  fromMs: number;
  untilMs: number;
  /** One that does not count. */
  exceptPostId: string | null;
}

interface Row {
  range: number;
  post_id: string;
  atMs: number;
  platforms: Platform[];
}

/**
 * When a post counts: at its time, also when it went out about then, so that a confirmation some seconds later moves
 * nothing; else when it went out. One that is not out by now goes out now at the earliest. Of a post that is half out or
 * whose end nobody knows, the platforms that certainly did not get it do not count.
 */
export const TAKEN = `
  select asked.range, taken.post_id, taken.platforms, (extract(epoch from taken.at) * 1000)::float8 as "atMs"
  from jsonb_to_recordset(?::jsonb) as asked (range int, account_id uuid, except_id uuid,
    first timestamptz, last timestamptz, now timestamptz, on_time_sec float8)
  cross join lateral (
    select p.id as post_id,
      case
        when p.status in ${UNFINISHED} then greatest(p.due_at, asked.now)
        when p.status in ('posted', 'partial')
          and abs(extract(epoch from p.posted_at - p.due_at)) > asked.on_time_sec then p.posted_at
        else p.due_at
      end as at,
      array(select t.platform from targets t
        where t.post_id = p.id and t.state not in ('skipped', 'failed', 'cancelled')) as platforms
    from posts p
    where p.account_id = asked.account_id and p.status in ${HOLDING} and p.id is distinct from asked.except_id
      and (p.due_at between asked.first and asked.last or p.posted_at between asked.first and asked.last
        or (p.status in ${UNFINISHED} and p.due_at < asked.first))
    -- Each account by its indexes: joined to all of them at once, the posts of everybody would be read.
    offset 0
  ) taken
  where taken.at between asked.first and asked.last`;

/** Gives what is taken of accounts in their ranges, in the order of these. */
export async function loadTakenTimes(
  em: EntityManager,
  ranges: readonly TimeRange[],
  nowMs: number,
): Promise<TakenTime[][]> {
  const taken: TakenTime[][] = ranges.map(() => []);
  if (ranges.length === 0) return taken;
  const asked = ranges.map(({ account, fromMs, untilMs, exceptPostId }, range) => ({
    ...{ range, account_id: account.id, except_id: exceptPostId },
    ...{ first: new Date(fromMs), last: new Date(untilMs), now: new Date(nowMs) },
    on_time_sec: onTimeWithinMs(account) / 1000,
  }));
  const rows = await em.execute<Row[]>(TAKEN, [JSON.stringify(asked)]);
  for (const { range, post_id: postId, atMs, platforms } of rows)
    taken[range]?.push({ postId, atMs, platforms });
  return taken;
}
