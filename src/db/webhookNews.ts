import type { EntityManager } from '@mikro-orm/postgresql';
import { CHOOSES } from './webhookChoice.ts';

/** A webhook whose workflow may have something to do. */
export interface WebhookToTell {
  webhookId: string;
  userId: string;
}

/** How many webhooks are taken, and for whom. */
export interface WebhookPage {
  limit: number;
  holder: string | null;
  attendSec: number;
  afterId?: string | null;
}

export interface TakenWebhooks {
  taken: WebhookToTell[];
  /** Null when there are no more. */
  lastId: string | null;
  /** Whether one was looked through in part only: ask again, from the beginning. */
  isBehind: boolean;
}

const PAGE = 500;
/** So many numbers of a feed are looked through at a time for one webhook: with rare types chosen, each is read. */
const REACH = 5000;
/** Who was told and has not looked by then is told again of what is newer. */
const TOLD_LATELY = `now() - interval '5 seconds'`;
/** For what is overdue there is perhaps nobody. */
const OVERDUE = `now() - interval '5 seconds'`;
const UNATTENDED = `w.is_enabled and (w.attended_until is null or w.attended_until < now())`;

/** Which webhooks the engine has to be told of. */
export class WebhookNewsQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Gives webhooks with new events that nobody is at, and those whose holder was not heard of in time, so that he is no
   * more: of several who ask at once, each is given to one. Where nothing of what is new was chosen, it counts as seen; of
   * who is far behind only a part is looked through at a time.
   *
   * @param userIds of whose events there is news; null when it may be anybody's
   * @param afterId where to go on: `lastId` of the page before
   * @param holder who is at them from now on, for some seconds; null for who only tells the engine
   */
  async take(userIds: readonly string[] | null, page: WebhookPage): Promise<TakenWebhooks> {
    if (userIds?.length === 0) return { taken: [], lastId: null, isBehind: false };
    const { limit, holder, attendSec, afterId = null } = page;
    const rows = await this.#em.execute<(WebhookToTell & { isChosen: boolean; isBehind: boolean })[]>(
      `with news as (
         select w.id, w.user_id, w.types, w.cursor_sequence, f.last_sequence, w.attended_until is not null as has_lapsed,
           least(f.last_sequence, w.cursor_sequence + ${REACH}) as upto
         from webhooks w join feeds f on f.user_id = w.user_id
         where w.is_enabled and coalesce(w.attended_until < now(), w.told_sequence < f.last_sequence)
           and (w.told_at is null or w.told_at < ${TOLD_LATELY}) and (?::uuid is null or w.id > ?::uuid)
           ${userIds ? 'and w.user_id in (?)' : ''}
         order by w.id limit ? for no key update of w skip locked),
       seen as materialized (
         select w.*, w.has_lapsed or exists (
           select from events e where e.user_id = w.user_id and e.sequence > w.cursor_sequence
             and e.sequence <= w.upto and ${CHOOSES}) as is_chosen
         from news w)
       update webhooks w set told_sequence = case when s.is_chosen then s.last_sequence else s.upto end,
         told_at = case when s.is_chosen then now() else w.told_at end,
         attended_by = case when s.is_chosen then ?::uuid else w.attended_by end,
         attended_until = case when s.is_chosen and ?::uuid is not null then now() + interval '1 second' * ? end,
         cursor_sequence = case when s.is_chosen then w.cursor_sequence else s.upto end
       from seen s where w.id = s.id
       returning w.id as "webhookId", w.user_id as "userId", s.is_chosen as "isChosen",
         not s.is_chosen and s.upto < s.last_sequence as "isBehind"`,
      [afterId, afterId, ...(userIds ? [userIds] : []), limit, holder, holder, attendSec],
    );
    const ids = rows.map(({ webhookId }) => webhookId).sort();
    return {
      taken: rows.flatMap(({ webhookId, userId, isChosen }) => (isChosen ? [{ webhookId, userId }] : [])),
      lastId: ids.length === limit ? (ids.at(-1) ?? null) : null,
      isBehind: rows.some(({ isBehind }) => isBehind),
    };
  }

  /**
   * Webhooks that lag behind what was told of, or have overdue deliveries, and that nobody is at; in pages by id. Who was
   * told a moment ago may have to wait for a place.
   */
  listUnattended(afterId: string | null): Promise<WebhookToTell[]> {
    return this.#em.execute<WebhookToTell[]>(
      `select w.id as "webhookId", w.user_id as "userId" from webhooks w left join feeds f on f.user_id = w.user_id
       where ${UNATTENDED} and (?::uuid is null or w.id > ?::uuid)
         and coalesce(w.told_at < now() - interval '30 seconds', true) and (
           w.cursor_sequence < least(w.told_sequence, f.last_sequence) or exists (
             select from webhook_deliveries d where d.webhook_id = w.id and d.state = 'pending' and d.kind = 'event'
               and d.next_attempt_at < ${OVERDUE}))
       order by w.id limit ${PAGE}`,
      [afterId, afterId],
    );
  }

  /** Notes that the engine was told of a webhook, which has not been looked at since. */
  async noteTold(webhookId: string): Promise<void> {
    await this.#em.execute(`update webhooks w set told_at = now() where w.id = ? and ${UNATTENDED}`, [
      webhookId,
    ]);
  }
}
