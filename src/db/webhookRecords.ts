import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeliveryState, DisabledReason } from '../domain/webhook.ts';
import { toWebhookView } from '../views/webhooks.ts';
import { Event } from './entities/event.ts';
import { tell } from './events.ts';
import { CHOOSES } from './webhookChoice.ts';
import { disableWebhook, holdWebhook } from './webhookDisabling.ts';

/** One attempt that has been begun, counted and written down; its answer is still to come. */
export interface BegunAttempt {
  id: string;
  deliveryId: string;
  webhookId: string;
  eventId: string;
  /** Of all attempts at the delivery, and of those of its present schedule; from 1. */
  number: number;
  scheduleNumber: number;
  startedAt: Date;
  /** When its delivery is due again should nobody say what came of it; null for a ping. */
  missedAt: Date | null;
}

/** One that is to be made now, and where. */
export type DueAttempt = BegunAttempt & { target: SealedTarget };

/** Who looks at a webhook, and for how many more deliveries there is room. */
export interface WebhookLook {
  webhookId: string;
  holder: string;
  slots: number;
}

export interface WebhookSight {
  /** `busy`: its row is locked right now; look again. `taken`: somebody else is at it. */
  state: 'open' | 'busy' | 'taken' | 'disabled' | 'gone';
  /** Whether there are events beyond those that were fanned out. */
  hasMore: boolean;
  /** Until the next of the deliveries is due that are not yet. */
  nextDueInMs: number | null;
  /** How many were due, of as many as there was room for; those whose event is no longer kept are not begun. */
  found: number;
  begun: DueAttempt[];
}

/** Where and under which secrets a webhook is delivered to, all sealed. */
export interface SealedTarget {
  sealedUrl: string;
  /** All that sign now; the newest first. */
  secrets: { id: string; sealed: string }[];
}

/** What came of an attempt, and what it makes of its delivery. */
export interface EndedAttempt {
  attemptId: string;
  deliveryId: string;
  webhookId: string;
  isPing: boolean;
  number: number;
  startedAt: Date;
  missedAt: Date | null;
  durationMs: number | null;
  status: number | null;
  errorCode: string | null;
  response: string | null;
  state: DeliveryState;
  nextAttemptAt: Date | null;
}

/** What is left to do for a webhook when nobody is at it any more. */
export interface LeftToDo {
  /** Until a delivery is due, by the clock of the database; 0: one is, or there are events that were not fanned out. */
  nextDueInMs: number | null;
}

/** So many events at a time become deliveries of one webhook. */
const PAGE = 500;
const ASKED = `asked as (select * from jsonb_to_recordset(?::jsonb) as a("webhookId" uuid, holder uuid, slots int))`;
const IS_FREE = `coalesce(w.attended_until < now(), true)`;
const IN_MS = `greatest(extract(epoch from min(d.next_attempt_at) - now()) * 1000, 0)::float8`;
const LIVE = `d.state = 'pending' and d.kind = 'event'`;
const LOGGED = `logged as (insert into webhook_attempts (id, delivery_id, number, started_at)
  select uuidv7(), id, attempts, now() from begun returning id, delivery_id, started_at)`;
const BEGUN = `logged.id as "id", begun.id as "deliveryId", begun.webhook_id as "webhookId", begun.event_id as "eventId",
  begun.attempts as number, begun.schedule_attempts + 1 as "scheduleNumber", logged.started_at as "startedAt",
  begun.next_attempt_at as "missedAt"`;

const TARGET = `w.sealed_url as "sealedUrl", (
  select coalesce(json_agg(json_build_object('id', s.id, 'sealed', s.sealed) order by s.id desc), '[]')
  from webhook_secrets s where s.webhook_id = w.id and coalesce(s.expires_at > now(), true)) as secrets`;

/** What those who deliver ask of and write to the rows, for many webhooks in one statement. */
export class WebhookRecordQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Makes deliveries of what is new in the feeds, notes who is at these webhooks unless it is somebody else, and begins attempts at what
   * is due. An attempt is written down before it is made, and its delivery is due again when nobody has said in time what
   * came of it: a worker that dies leaves an attempt without an answer, and another one.
   */
  async attend(
    looks: readonly WebhookLook[],
    times: { attendSec: number; attemptSec: number },
  ): Promise<Map<string, WebhookSight>> {
    const seen = await this.#fanOut(JSON.stringify(looks), times.attendSec);
    const open = new Set(seen.filter(({ state }) => state === 'open').map(({ webhookId }) => webhookId));
    const asked = looks.filter(({ webhookId }) => open.has(webhookId));
    const due = asked.length === 0 ? [] : await this.#begin(JSON.stringify(asked), times.attemptSec);
    const sights = seen.map(({ webhookId, ...sight }): [string, WebhookSight] => {
      const rows = due.filter((row) => row.webhookId === webhookId);
      const { nextDueInMs = null, found = 0 } = rows[0] ?? {};
      return [webhookId, { ...sight, nextDueInMs, found, begun: rows.flatMap(toDue) }];
    });
    return new Map(sights);
  }

  #fanOut(asked: string, attendSec: number) {
    const until = `now() + interval '1 second' * ${attendSec}`;
    return this.#em.execute<Pick<WebhookSight & WebhookLook, 'webhookId' | 'state' | 'hasMore'>[]>(
      `with ${ASKED}, held as (
         select w.id, w.user_id, w.types, a.holder, w.cursor_sequence, coalesce(f.last_sequence, 0) as last_sequence,
           least(coalesce(f.last_sequence, 0), w.cursor_sequence + ${PAGE}) as upto
         from webhooks w join asked a on a."webhookId" = w.id left join feeds f on f.user_id = w.user_id
         where w.is_enabled and (w.attended_by = a.holder or ${IS_FREE})
         order by w.id for no key update of w skip locked),
       made as (
         insert into webhook_deliveries (id, webhook_id, event_id, sequence, type, next_attempt_at, created_at)
         select uuidv7(), w.id, e.id, e.sequence, e.type, now(), now()
         from held w join events e on e.user_id = w.user_id and e.sequence > w.cursor_sequence and e.sequence <= w.upto
         where ${CHOOSES} order by e.sequence
         on conflict (webhook_id, event_id) do nothing),
       moved as (
         update webhooks w set cursor_sequence = greatest(w.cursor_sequence, h.upto),
           told_sequence = greatest(w.told_sequence, h.upto), told_at = null,
           attended_by = h.holder, attended_until = ${until}
         from held h where w.id = h.id and (h.upto > h.cursor_sequence or w.told_at is not null
           or w.attended_by is distinct from h.holder or w.attended_until is null or w.attended_until < now() + interval '1 second' * ${(attendSec * 2) / 3}))
       select a."webhookId", coalesce(h.upto < h.last_sequence, false) as "hasMore",
         case when h.id is not null then 'open' when w.id is null then 'gone' when not w.is_enabled then 'disabled'
           when w.attended_by = a.holder or ${IS_FREE} then 'busy' else 'taken' end as state
       from asked a left join webhooks w on w.id = a."webhookId" left join held h on h.id = a."webhookId"`,
      [asked],
    );
  }

  /** One row for each attempt that was begun, and one without for each webhook that has none. */
  #begin(asked: string, attemptSec: number): Promise<DueRow[]> {
    return this.#em.execute<DueRow[]>(
      `with ${ASKED}, due as (
         select d.id, w.id as webhook_id from asked a join webhooks w on w.id = a."webhookId" and w.is_enabled cross join lateral (
           select d.id from webhook_deliveries d
           where d.webhook_id = a."webhookId" and ${LIVE} and d.next_attempt_at <= now()
           order by d.next_attempt_at, d.sequence limit a.slots for update skip locked) d),
       expired as (
         update webhook_deliveries d set state = 'cancelled', next_attempt_at = null, ended_at = now()
         from due where d.id = due.id and not exists (select from events e where e.id = d.event_id)),
       begun as (
         update webhook_deliveries d set attempts = d.attempts + 1,
           next_attempt_at = now() + interval '1 second' * ${attemptSec}
         from due where d.id = due.id and exists (select from events e where e.id = d.event_id)
         returning d.id, d.webhook_id, d.event_id, d.attempts, d.schedule_attempts, d.next_attempt_at),
       ${LOGGED}
       select ${BEGUN}, ${TARGET}, a."webhookId", (select count(*)::int from due where due.webhook_id = w.id) as found, (
         select ${IN_MS} from webhook_deliveries d
         where d.webhook_id = a."webhookId" and ${LIVE} and d.next_attempt_at > now()) as "nextDueInMs"
       from asked a join webhooks w on w.id = a."webhookId" left join begun on begun.webhook_id = a."webhookId"
         left join logged on logged.delivery_id = begun.id
       order by logged.id`,
      [asked],
    );
  }

  /** The events themselves of what is to be delivered. */
  findEvents(ids: readonly string[]): Promise<Event[]> {
    return this.#em.find(Event, { id: { $in: [...ids] } });
  }

  /** Begins the one attempt at a ping; null when it is no longer there, or was begun before. */
  async beginPing(deliveryId: string): Promise<DueAttempt | null> {
    const rows = await this.#em.execute<DueRow[]>(
      `with begun as (
         update webhook_deliveries set attempts = attempts + 1 where id = ? and kind = 'ping' and state = 'pending' and attempts = 0
         returning id, webhook_id, event_id, attempts, schedule_attempts, next_attempt_at), ${LOGGED}
       select ${BEGUN}, ${TARGET} from begun join logged on logged.delivery_id = begun.id
         join webhooks w on w.id = begun.webhook_id`,
      [deliveryId],
    );
    return rows.flatMap(toDue)[0] ?? null;
  }

  /**
   * Writes down what came of attempts. One that was overtaken by another attempt, or by somebody who asked for another,
   * changes its delivery no more, unless it has succeeded; nor does any of a delivery that has ended.
   *
   * @returns the webhooks that have been failing since before a time
   */
  record(
    ended: readonly EndedAttempt[],
    failingBefore: Date,
  ): Promise<{ webhookId: string; failingSince: Date }[]> {
    return this.#em
      .execute<{ webhookId: string; failingSince: string }[]>(RECORD, [JSON.stringify(ended), failingBefore])
      .then((rows) => rows.map((row) => ({ ...row, failingSince: new Date(row.failingSince) })));
  }

  /** How many attempts since a time ended without success. */
  async countFailures(webhookId: string, since: Date): Promise<number> {
    const [row] = await this.#em.execute<{ count: string }[]>(
      `select count(*) as count from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id
       where d.webhook_id = ? and d.kind = 'event' and a.started_at >= ? and coalesce(a.status, 0) not between 200 and 299`,
      [webhookId, since],
    );
    return Number(row?.count ?? 0);
  }

  /**
   * Says that nobody is at webhooks any more, and what is left: asked after that, so that nothing falls in between. What
   * somebody else has taken up by then is left to him, and news that nobody was told of to those who take it.
   */
  async release(held: readonly Omit<WebhookLook, 'slots'>[]): Promise<Map<string, LeftToDo>> {
    const asked = JSON.stringify(held);
    await this.#em.execute(
      `with ${ASKED} update webhooks w set attended_by = null, attended_until = null, told_at = null
       from asked a where w.id = a."webhookId" and w.attended_by = a.holder`,
      [asked],
    );
    const rows = await this.#em.execute<{ id: string; lags: boolean; nextDueInMs: number | null }[]>(
      `with ${ASKED} select w.id,
         w.is_enabled and w.cursor_sequence < least(w.told_sequence, coalesce(f.last_sequence, 0)) as lags, (
         select ${IN_MS} from webhook_deliveries d where d.webhook_id = w.id and ${LIVE}) as "nextDueInMs"
       from asked a join webhooks w on w.id = a."webhookId" left join feeds f on f.user_id = w.user_id
       where ${IS_FREE}`,
      [asked],
    );
    return new Map(rows.map(({ id, lags, nextDueInMs }) => [id, { nextDueInMs: lags ? 0 : nextDueInMs }]));
  }

  /** Disables a webhook that nobody can deliver to, gives up what is on its way to it, and tells its owner. */
  async disable(webhookId: string, reason: DisabledReason): Promise<void> {
    await this.#em.transactional(async (tx) => {
      const row = await holdWebhook(tx, { id: webhookId, isEnabled: true });
      if (!row) return;
      await disableWebhook(tx, row, reason);
      await tx.flush();
      await tx.populate(row, ['secrets']);
      const object = { type: 'webhook', id: webhookId } as const;
      const data = toWebhookView(row, null);
      await tell(tx, [{ userId: row.user.id, type: 'webhook.disabled', object, videoId: null, data }]);
    });
  }
}

type Raw<Row> = { [Key in keyof Row]: Date extends Row[Key] ? string | Exclude<Row[Key], Date> : Row[Key] };
type DueRow = (Raw<BegunAttempt> | { id: null }) &
  SealedTarget & { webhookId: string; nextDueInMs?: number | null; found?: number };

const toDate = (text: string | null | undefined): Date | null => (text ? new Date(text) : null);

function toDue({ nextDueInMs: _, found: __, sealedUrl, secrets, ...row }: DueRow): DueAttempt[] {
  if (row.id === null) return [];
  const [startedAt, missedAt] = [new Date(row.startedAt), toDate(row.missedAt)];
  return [{ ...row, startedAt, missedAt, target: { sealedUrl, secrets } }];
}

const RECORD = `with given as (select * from jsonb_to_recordset(?::jsonb) as g("attemptId" uuid, "deliveryId" uuid,
    "webhookId" uuid, "isPing" boolean, number int, "startedAt" timestamptz, "missedAt" timestamptz, "durationMs" int, status int,
    "errorCode" text, response text, state text, "nextAttemptAt" timestamptz)),
  logged as (
    update webhook_attempts a set duration_ms = g."durationMs", status = g.status, error_code = g."errorCode",
      response = g.response
    from given g where a.id = g."attemptId"),
  moved as (
    update webhook_deliveries d set state = g.state, schedule_attempts = d.schedule_attempts + 1,
      next_attempt_at = g."nextAttemptAt", ended_at = case when g.state = 'pending' then null else now() end
    from given g where d.id = g."deliveryId" and d.state = 'pending' and (g.state = 'succeeded'
      or (d.attempts = g.number and d.next_attempt_at is not distinct from g."missedAt"))),
  outcomes as (
    select "webhookId", bool_or(state = 'succeeded') as has_succeeded, min("startedAt") as since
    from given where not "isPing" group by 1),
  judged as (
    update webhooks w set failing_since = case when o.has_succeeded then null else o.since end
    from outcomes o where w.id = o."webhookId" and o.has_succeeded = (w.failing_since is not null))
  select w.id as "webhookId", w.failing_since as "failingSince"
  from webhooks w join outcomes o on o."webhookId" = w.id
  where not o.has_succeeded and w.is_enabled and w.failing_since <= ?`;
