import type { EntityManager } from '@mikro-orm/postgresql';
import { CHOOSES } from './webhookChoice.ts';

/** A webhook whose workflow may have something to do. */
export interface WebhookToTell {
  webhookId: string;
  userId: string;
}

const PAGE = 500;
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
   * Gives webhooks with new events that nobody is at: of several who ask at once, each is given to one. Where nothing of
   * what is new was chosen, it counts as seen.
   *
   * @param userIds of whose events there is news; null when it may be anybody's
   * @param holder who is at them from now on, for some seconds; null for who only tells the engine
   */
  async take(
    userIds: readonly string[] | null,
    { limit, holder, attendSec }: { limit: number; holder: string | null; attendSec: number },
  ): Promise<{ taken: WebhookToTell[]; hasMore: boolean }> {
    if (userIds?.length === 0) return { taken: [], hasMore: false };
    const rows = await this.#em.execute<(WebhookToTell & { isChosen: boolean })[]>(
      `with news as (
         select w.id, f.last_sequence, exists (
           select from events e where e.user_id = w.user_id and e.sequence > w.cursor_sequence
             and e.sequence <= f.last_sequence and ${CHOOSES}) as is_chosen
         from webhooks w join feeds f on f.user_id = w.user_id
         where w.told_sequence < f.last_sequence and ${UNATTENDED} and (w.told_at is null or w.told_at < ${TOLD_LATELY})
           ${userIds ? 'and w.user_id in (?)' : ''}
         order by w.id limit ? for no key update of w skip locked)
       update webhooks w set told_sequence = n.last_sequence,
         told_at = case when n.is_chosen then now() else w.told_at end,
         attended_by = case when n.is_chosen then ?::uuid else w.attended_by end,
         attended_until = case when n.is_chosen and ?::uuid is not null then now() + interval '1 second' * ? end,
         cursor_sequence = case when n.is_chosen then w.cursor_sequence else n.last_sequence end
       from news n where w.id = n.id
       returning w.id as "webhookId", w.user_id as "userId", n.is_chosen as "isChosen"`,
      [...(userIds ? [userIds] : []), limit, holder, holder, attendSec],
    );
    const taken = rows.filter(({ isChosen }) => isChosen);
    return {
      taken: taken.map(({ webhookId, userId }) => ({ webhookId, userId })),
      hasMore: rows.length === limit,
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
