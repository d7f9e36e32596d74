import type { EntityManager } from '@mikro-orm/postgresql';

/** What tells of what happened, or of how it was told; attempts go with their deliveries. */
export const TELLINGS = ['events', 'webhookDeliveries', 'telegramLinks', 'telegramNotices'] as const;
export type Telling = (typeof TELLINGS)[number];
/** How many there are of each. */
export type OldTellings = Record<Telling, number>;

const BATCH = 5000;
/** Of so many users so many events go at a time. */
const USERS_AT_ONCE = 20;
const EVENTS_AT_ONCE = 1000;

/**
 * Up to where the events of users may go: to the first that is not old. What goes is always a beginning, and what an
 * endpoint has still to be sent is kept, with all that came after it; but not for a delivery that is itself as old, since
 * whoever asks for it again and again would keep everything.
 *
 * @param most how far to look; one read by the index for each user of whom nothing is old
 */
const oldUpTo = (most: string): string => `from feeds f left join (
    select w.user_id, min(d.sequence) as sequence from webhook_deliveries d join webhooks w on w.id = d.webhook_id
    where d.state = 'pending' and d.sequence is not null and d.created_at >= ? and w.is_enabled group by w.user_id
  ) awaited on awaited.user_id = f.user_id
  cross join lateral (select least(${most}, awaited.sequence - 1) as sequence) most
  cross join lateral (select coalesce((
      select e.sequence - 1 from events e
      where e.user_id = f.user_id and e.sequence > f.expired_sequence and e.sequence <= most.sequence and e.created_at >= ?
      order by e.sequence limit 1), most.sequence) as sequence) upto`;
/** With those that were to be removed when somebody was stopped. Materialized: else it is asked for every event. */
const COUNT_EVENTS = `with old as materialized (
    select f.user_id, greatest(upto.sequence, f.expired_sequence) as sequence ${oldUpTo('f.last_sequence')})
  select count(*)::int as count from old join events e on e.user_id = old.user_id and e.sequence <= old.sequence`;

/** Rows that are old by themselves, by the moment before which they are. */
const OLD_ROWS: Record<Exclude<Telling, 'events'>, readonly [table: string, condition: string]> = {
  webhookDeliveries: ['webhook_deliveries', `ended_at < ? and state <> 'pending'`],
  // Whoever made one may still ask for a while what came of it.
  // One that was taken is proof of whose chat that is.
  telegramLinks: ['telegram_links', `linked_at is null and expires_at < now() - interval '1 day'`],
  telegramNotices: ['telegram_notices', 'updated_at < ?'],
};

/** How long events, and what is known of telling them, are kept. */
export class EventRetentionQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** How much is older than the moment. */
  async countOld(before: Date): Promise<OldTellings> {
    const count = (kind: keyof typeof OLD_ROWS) => {
      const [table, condition] = OLD_ROWS[kind];
      return this.#count(
        `select count(*)::int as count from ${table} where ${condition}`,
        valuesOf(condition, before),
      );
    };
    return {
      events: await this.#count(COUNT_EVENTS, [before, before]),
      webhookDeliveries: await count('webhookDeliveries'),
      telegramLinks: await count('telegramLinks'),
      telegramNotices: await count('telegramNotices'),
    };
  }

  /** Removes some thousands of one kind. @returns how many; 0 when there are no more */
  removeOld(kind: Telling, before: Date): Promise<number> {
    if (kind === 'events') return this.#removeEvents(before);
    const [table, condition] = OLD_ROWS[kind];
    return this.#remove(
      `${table} where id in (select id from ${table} where ${condition} limit ${BATCH})`,
      valuesOf(condition, before),
    );
  }

  /**
   * First it is committed up to where each user's events may be gone, so that nobody who reads on takes the rest for
   * all; a row of its own, and not while events are removed, since whoever tells something waits for that row.
   */
  async #removeEvents(before: Date): Promise<number> {
    const expired = await this.#expire(before);
    const userIds = expired.length > 0 ? expired : await this.#findLeftOver();
    if (userIds.length === 0) return 0;
    // By where they are: events never change, and no guess of the planner's makes it read all of them.
    return this.#remove(
      `events where ctid = any(array(
         select e.ctid from feeds f cross join lateral (
           select ctid from events where user_id = f.user_id and sequence <= f.expired_sequence
           order by sequence limit ${BATCH}) e
         where f.user_id in (?)))`,
      [userIds],
    );
  }

  /** In the order of users, as all who hold more than one of these rows. @returns whose events have become old */
  async #expire(before: Date): Promise<string[]> {
    const rows = await this.#em.execute<{ userId: string }[]>(
      `with old as materialized (
         select f.user_id, upto.sequence ${oldUpTo(`f.expired_sequence + ${EVENTS_AT_ONCE}, f.last_sequence`)}
         where upto.sequence > f.expired_sequence limit ${USERS_AT_ONCE}),
       held as materialized (
         select f.user_id from feeds f where f.user_id in (select user_id from old)
         order by f.user_id for no key update of f)
       update feeds f set expired_sequence = old.sequence from held join old on old.user_id = held.user_id
       where f.user_id = held.user_id and f.expired_sequence < old.sequence returning f.user_id as "userId"`,
      [before, before],
    );
    return rows.map(({ userId }) => userId);
  }

  /** Whose events were to be removed when somebody was stopped. */
  async #findLeftOver(): Promise<string[]> {
    const rows = await this.#em.execute<{ userId: string }[]>(
      `select f.user_id as "userId" from feeds f cross join lateral (
         select 1 from events where user_id = f.user_id and sequence <= f.expired_sequence
         order by sequence limit 1) e
       where f.expired_sequence > 0 limit ${USERS_AT_ONCE}`,
    );
    return rows.map(({ userId }) => userId);
  }

  async #count(statement: string, values: unknown[]): Promise<number> {
    const [row] = await this.#em.execute<{ count: number }[]>(statement, values);
    return row?.count ?? 0;
  }

  #remove(which: string, values: unknown[]): Promise<number> {
    const statement = `with gone as (delete from ${which} returning 1) select count(*)::int as count from gone`;
    return this.#count(statement, values);
  }
}

const valuesOf = (condition: string, before: Date): Date[] => (condition.includes('?') ? [before] : []);
