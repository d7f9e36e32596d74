import type { EntityManager } from '@mikro-orm/postgresql';
import { COPYING_PERCENT } from '../domain/edit.ts';

/** Things of all users that should have moved on long ago, by where they stay. */
export interface StuckItems {
  /** Accepted runs that the engine has not begun. */
  unstarted: number;
  /** Steps at work that show no progress. */
  running: number;
  /** Steps whose next attempt is overdue. */
  waiting_retry: number;
  /** Steps that wait although nothing of their video moves. */
  queued: number;
  /** Deleted videos whose files and rows are still there. */
  removing: number;
  /** Uploads whose last byte or whose end came long ago and that are still not dealt with. */
  uploads: number;
  /** Edits that nobody begins, repeats, cancels or works on; those that wait for their videos are none. */
  edits: number;
  /** Objects without a row that housekeeping found more than once and has not removed: it asks for `force`. */
  orphans: number;
}

/** Longer than anything that works goes without a sign: what moves says so at least every minute. */
const QUIET_MIN = 10;
/** A long queue is no trouble by itself, nor is the removal of much. */
const WAITING_MIN = 60;
/** Encodes may wait for a day behind others. */
const ENCODE_WAITING_MIN = 24 * 60;
/** An orphan is left for one housekeeping to remove that another has seen; there is one an hour. */
const ORPHANED_MIN = 120;

const STUCK_ITEMS = `
  with open_steps as (
    select s.video_id, s.state, s.name,
           v.started_run < s.run as is_unstarted,
           case s.state
             when 'waiting_retry' then coalesce(s.next_attempt_at, s.updated_at)
             when 'queued' then (select max(o.updated_at) from steps o where o.video_id = s.video_id)
             else s.updated_at
           end as since
    from steps s join videos v on v.id = s.video_id
    where s.state in ('queued', 'running', 'waiting_retry') and v.deleted_at is null
      and (v.source_key is not null or v.source_url is not null)
  ), quiet as (
    select video_id, is_unstarted, state from open_steps
    where since < now() - case when state = 'running' or is_unstarted then interval '${QUIET_MIN} minutes'
                               when name = 'playback' then interval '${ENCODE_WAITING_MIN} minutes'
                               when state = 'waiting_retry' then interval '${QUIET_MIN} minutes'
                               else interval '${WAITING_MIN} minutes' end
  )
  select count(distinct video_id) filter (where is_unstarted)::int as unstarted,
         count(*) filter (where not is_unstarted and state = 'running')::int as running,
         count(*) filter (where not is_unstarted and state = 'waiting_retry')::int as waiting_retry,
         count(*) filter (where not is_unstarted and state = 'queued')::int as queued,
         (select count(*) from videos where deleted_at < now() - interval '${WAITING_MIN} minutes')::int as removing,
         (select count(*) from uploads
          where case state when 'open' then started_at is null when 'complete' then true else cleared_at is null end
            and coalesce(ended_at, completed_at, created_at) < now() - interval '${WAITING_MIN} minutes')::int
           + (select count(*) from uploads where state = 'open' and started_at is not null
              and greatest(expires_at, lease_until) < now() - interval '${WAITING_MIN} minutes')::int as uploads,
         (select count(*) from edits where status in ('queued', 'running') and rendered_at is null
            and (least(cancel_requested_at, case when started_run < run then updated_at end,
                       case when percent < ${COPYING_PERCENT} then next_attempt_at end)
                   < now() - interval '${QUIET_MIN} minutes'
                 or coalesce(next_attempt_at, case when status = 'queued' and started_at is not null then updated_at end)
                   < now() - interval '${ENCODE_WAITING_MIN} minutes'
                 or next_attempt_at is null and status = 'running' and updated_at < now() - interval '${WAITING_MIN} minutes'))::int as edits,
         (select count(*) from orphans where last_seen_at > first_seen_at
            and first_seen_at < now() - interval '${ORPHANED_MIN} minutes')::int as orphans
  from quiet`;

/** What an operator asks of the rows of all users. */
export class HealthQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  async countStuck(): Promise<StuckItems> {
    const [counts] = await this.#em.execute<[StuckItems]>(STUCK_ITEMS);
    return counts;
  }
}
