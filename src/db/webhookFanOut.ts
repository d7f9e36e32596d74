import type { EntityManager } from '@mikro-orm/postgresql';
import { CHOOSES } from './webhookChoice.ts';
import type { WebhookLook, WebhookSight } from './webhookRecords.ts';

/** So many events at a time become deliveries of one webhook. */
const PAGE = 500;

/** Who looks at which webhook, as rows. */
export const ASKED = `asked as (
  select * from jsonb_to_recordset(?::jsonb) as a("webhookId" uuid, holder uuid, slots int))`;
/** Whether nobody is at a webhook `w`. */
export const IS_FREE = `coalesce(w.attended_until < now(), true)`;

/** Makes deliveries of what is new in the feeds, and notes who is at these webhooks unless it is somebody else. */
export function fanOut(em: EntityManager, looks: readonly WebhookLook[], attendSec: number) {
  return em.execute<Pick<WebhookSight & WebhookLook, 'webhookId' | 'state' | 'hasMore'>[]>(
    FAN_OUT,
    // Noted anew when a third of the time is over.
    [JSON.stringify(looks), attendSec, (attendSec * 2) / 3],
  );
}

const FAN_OUT = `with ${ASKED},
  held as (
    select w.id, w.user_id, w.types, a.holder, w.cursor_sequence, coalesce(f.last_sequence, 0) as last_sequence,
      least(coalesce(f.last_sequence, 0), w.cursor_sequence + ${PAGE}) as upto
    from webhooks w join asked a on a."webhookId" = w.id left join feeds f on f.user_id = w.user_id
    where w.is_enabled and (w.attended_by = a.holder or ${IS_FREE})
    order by w.id for no key update of w skip locked),
  made as (
    insert into webhook_deliveries (id, webhook_id, event_id, sequence, type, next_attempt_at, created_at)
    select uuidv7(), w.id, e.id, e.sequence, e.type, now(), now()
    from held w join events e
      on e.user_id = w.user_id and e.sequence > w.cursor_sequence and e.sequence <= w.upto
    where ${CHOOSES} order by e.sequence
    on conflict (webhook_id, event_id) do nothing),
  moved as (
    update webhooks w set cursor_sequence = greatest(w.cursor_sequence, h.upto),
      told_sequence = greatest(w.told_sequence, h.upto), told_at = null,
      attended_by = h.holder, attended_until = now() + interval '1 second' * ?
    from held h where w.id = h.id and (h.upto > h.cursor_sequence or w.told_at is not null
      or w.attended_by is distinct from h.holder or w.attended_until is null
      or w.attended_until < now() + interval '1 second' * ?))
  select a."webhookId", coalesce(h.upto < h.last_sequence, false) as "hasMore",
    case when h.id is not null then 'open' when w.id is null then 'gone' when not w.is_enabled then 'disabled'
      when w.attended_by = a.holder or ${IS_FREE} then 'busy' else 'taken' end as state
  from asked a left join webhooks w on w.id = a."webhookId" left join held h on h.id = a."webhookId"`;
