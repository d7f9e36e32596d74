import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeliveryState, DisabledReason } from '../domain/webhook.ts';
import { toWebhookView } from '../views/webhooks.ts';
import { Event } from './entities/event.ts';
import { tell } from './events.ts';
import { type FailingWebhook, recordAnswers } from './webhookAnswers.ts';
import { cancelDeliveries, disableWebhook, holdWebhook } from './webhookDisabling.ts';
import { ASKED, fanOut, IS_FREE } from './webhookFanOut.ts';

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
  /** Until a delivery is due, by the clock of the database; 0 or less: one is, or there are events that were not fanned out. */
  nextDueInMs: number | null;
}

const IN_MS = `(extract(epoch from min(d.next_attempt_at) - now()) * 1000)::float8`;
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
   * Makes deliveries of what is new in the feeds, notes who is at these webhooks unless it is somebody else, and begins
   * attempts at what is due. An attempt is written down before it is made, and its delivery is due again when nobody has
   * said in time what came of it: a worker that dies leaves an attempt without an answer, and another one.
   */
  async attend(
    looks: readonly WebhookLook[],
    times: { attendSec: number; attemptSec: number },
  ): Promise<Map<string, WebhookSight>> {
    const seen = await fanOut(this.#em, looks, times.attendSec);
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

  /** See `recordAnswers`. */
  record(ended: readonly EndedAttempt[], failingBefore: Date): Promise<FailingWebhook[]> {
    return recordAnswers(this.#em, ended, failingBefore);
  }

  /** How many attempts since a time ended without success, up to a number that is enough. */
  async countFailures(webhookId: string, since: Date, enough: number): Promise<number> {
    // The newest first: of a webhook that fails those are failures.
    const rows = await this.#em.execute<{ id: string }[]>(
      `select a.id from webhook_deliveries d join webhook_attempts a on a.delivery_id = d.id
       where d.webhook_id = ? and d.kind = 'event' and a.started_at >= ?
         and (a.status is not null or a.error_code is not null) and coalesce(a.status, 0) not between 200 and 299
       order by d.event_id desc limit ?`,
      [webhookId, since, enough],
    );
    return rows.length;
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

  /** Disables a webhook that nobody can deliver to, tells its owner, and gives up what is on its way to it. */
  async disable(webhookId: string, reason: DisabledReason): Promise<void> {
    await this.#em.transactional(async (tx) => {
      const row = await holdWebhook(tx, { id: webhookId, isEnabled: true });
      if (!row) return;
      disableWebhook(row, reason);
      await tx.flush();
      await tx.populate(row, ['secrets']);
      const object = { type: 'webhook', id: webhookId } as const;
      const data = toWebhookView(row, null);
      await tell(tx, [{ userId: row.user.id, type: 'webhook.disabled', object, videoId: null, data }]);
    });
    await cancelDeliveries(this.#em, webhookId);
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
