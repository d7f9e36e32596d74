import type { EntityManager } from '@mikro-orm/postgresql';

/** Rows that tell of what happened, or of how it was told; attempts go with their deliveries. */
export interface OldTellings {
  events: number;
  webhookDeliveries: number;
  telegramLinks: number;
  telegramNotices: number;
}

const BATCH = 5000;

/** What an endpoint has still to be sent is kept, with all that came after it: what goes is always a beginning. */
const OLD_EVENTS = `from events e left join (
    select w.user_id, min(d.sequence) as sequence from webhook_deliveries d join webhooks w on w.id = d.webhook_id
    where d.state = 'pending' and d.sequence is not null group by w.user_id
  ) awaited on awaited.user_id = e.user_id
  where e.created_at < ? and (awaited.sequence is null or e.sequence < awaited.sequence)`;
const OLD_DELIVERIES = `from webhook_deliveries where ended_at < ? and state <> 'pending'`;
/** Whoever made one may still ask for a while what came of it. */
const OLD_LINKS = `from telegram_links where expires_at < now() - interval '1 day'`;
const OLD_NOTICES = 'from telegram_notices where updated_at < ?';

/** How long events, and what is known of telling them, are kept. */
export class EventRetentionQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** How much is older than the moment. */
  async countOld(before: Date): Promise<OldTellings> {
    const count = async (of: string, values: unknown[] = [before]): Promise<number> => {
      const [row] = await this.#em.execute<{ count: number }[]>(
        `select count(*)::int as count ${of}`,
        values,
      );
      return row?.count ?? 0;
    };
    return {
      events: await count(OLD_EVENTS),
      webhookDeliveries: await count(OLD_DELIVERIES),
      telegramLinks: await count(OLD_LINKS, []),
      telegramNotices: await count(OLD_NOTICES),
    };
  }

  /** Removes some thousands of each. @returns how many; 0 of all when there are no more */
  async removeOld(before: Date): Promise<OldTellings> {
    const remove = async (table: string, of: string, values: unknown[] = [before]): Promise<number> => {
      const [row] = await this.#em.execute<{ count: number }[]>(
        `with gone as (delete from ${table} where id in (select id ${of} limit ${BATCH}) returning id)
         select count(*)::int as count from gone`,
        values,
      );
      return row?.count ?? 0;
    };
    return {
      events: await this.#removeEvents(before),
      webhookDeliveries: await remove('webhook_deliveries', OLD_DELIVERIES),
      telegramLinks: await remove('telegram_links', OLD_LINKS, []),
      telegramNotices: await remove('telegram_notices', OLD_NOTICES),
    };
  }

  /**
   * First it is committed up to where each user's events may be gone, so that nobody who reads on takes the rest for
   * all; a row of its own, and not while events are removed, since whoever tells something waits for that row.
   */
  async #removeEvents(before: Date): Promise<number> {
    await this.#em.execute(
      `update feeds f set expired_sequence = old.sequence from (
         select user_id, max(sequence) as sequence
         from (select e.user_id, e.sequence ${OLD_EVENTS} order by e.created_at limit ${BATCH}) x group by user_id
       ) old where f.user_id = old.user_id and f.expired_sequence < old.sequence`,
      [before],
    );
    const [row] = await this.#em.execute<{ count: number }[]>(
      `with gone as (delete from events where id in (
         select e.id from feeds f cross join lateral (
           select id from events where user_id = f.user_id and sequence <= f.expired_sequence limit ${BATCH}) e
         where f.expired_sequence > 0 limit ${BATCH}) returning id)
       select count(*)::int as count from gone`,
    );
    return row?.count ?? 0;
  }
}
