import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import { TIME_HOLDING_POST_STATUSES } from '../domain/post.ts';
import type { TakenTime } from '../domain/slots.ts';

/** From when to when the posts of an account are asked for. */
export interface TimeRange {
  accountId: string;
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

const HOLDING = TIME_HOLDING_POST_STATUSES.map((status) => `'${status}'`).join(', ');

/**
 * When a post counts: when it went out where that is known, else when it is to. Of a post that is half out or whose end
 * nobody knows, the platforms that certainly did not get it do not count.
 */
const TAKEN = `
  select asked.range, taken.post_id, taken.platforms, (extract(epoch from taken.at) * 1000)::float8 as "atMs"
  from jsonb_to_recordset(?::jsonb) as asked (range int, account_id uuid, first timestamptz, last timestamptz, except_id uuid)
  cross join lateral (
    select p.id as post_id,
      case when p.status in ('posted', 'partial') then coalesce(p.posted_at, p.due_at) else p.due_at end as at,
      array(select t.platform from targets t
        where t.post_id = p.id and t.state not in ('skipped', 'failed', 'cancelled')) as platforms
    from posts p
    where p.account_id = asked.account_id and p.status in (${HOLDING}) and p.id is distinct from asked.except_id
      and (p.due_at between asked.first and asked.last or p.posted_at between asked.first and asked.last)
    -- Each account by its indexes: joined to all of them at once, the posts of everybody would be read.
    offset 0
  ) taken
  where taken.at between asked.first and asked.last`;

/** Gives what is taken of accounts in their ranges, in the order of these. */
export async function loadTakenTimes(
  em: EntityManager,
  ranges: readonly TimeRange[],
): Promise<TakenTime[][]> {
  const taken: TakenTime[][] = ranges.map(() => []);
  if (ranges.length === 0) return taken;
  const asked = ranges.map(({ accountId, fromMs, untilMs, exceptPostId }, range) => ({
    ...{ range, account_id: accountId, except_id: exceptPostId },
    ...{ first: new Date(fromMs), last: new Date(untilMs) },
  }));
  const rows = await em.execute<Row[]>(TAKEN, [JSON.stringify(asked)]);
  for (const { range, post_id: postId, atMs, platforms } of rows)
    taken[range]?.push({ postId, atMs, platforms });
  return taken;
}
