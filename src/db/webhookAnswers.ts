import type { EntityManager } from '@mikro-orm/postgresql';
import type { EndedAttempt } from './webhookRecords.ts';

/** A webhook that fails, and since when. */
export interface FailingWebhook {
  webhookId: string;
  failingSince: Date;
}

/**
 * Writes down what came of attempts. One that was overtaken by another attempt, or by somebody who asked for another,
 * changes its delivery no more, unless it has succeeded; nor does any of a delivery that has ended.
 *
 * @returns the webhooks that have been failing since before a time
 */
export async function recordAnswers(
  em: EntityManager,
  ended: readonly EndedAttempt[],
  failingBefore: Date,
): Promise<FailingWebhook[]> {
  const values = [JSON.stringify(ended), failingBefore];
  const rows = await em.execute<{ webhookId: string; failingSince: string }[]>(RECORD, values);
  return rows.map((row) => ({ ...row, failingSince: new Date(row.failingSince) }));
}

/**
 * Webhooks are held first, in the order of their ids, and only what is of those is written: whoever holds a webhook
 * before its deliveries is never waited for by one that he waits for. A webhook fails from the moment at which that
 * is heard, not from that of the attempt's beginning: one that began before a success may be heard of after it.
 */
const RECORD = `with given as (
    select * from jsonb_to_recordset(?::jsonb) as g("attemptId" uuid, "deliveryId" uuid, "webhookId" uuid,
      "isPing" boolean, number int, "missedAt" timestamptz, "durationMs" int, status int, "errorCode" text,
      response text, state text, "nextAttemptAt" timestamptz)),
  held as materialized (
    select w.id, w.is_enabled, w.failing_since from webhooks w where w.id in (select "webhookId" from given)
    order by w.id for no key update),
  logged as (
    update webhook_attempts a set duration_ms = g."durationMs", status = g.status, error_code = g."errorCode",
      response = g.response
    from given g join held on held.id = g."webhookId" where a.id = g."attemptId"),
  moved as (
    update webhook_deliveries d set state = g.state, schedule_attempts = d.schedule_attempts + 1,
      next_attempt_at = g."nextAttemptAt", ended_at = case when g.state = 'pending' then null else now() end
    from given g join held on held.id = g."webhookId"
    where d.id = g."deliveryId" and d.state = 'pending' and (g.state = 'succeeded'
      or (d.attempts = g.number and d.next_attempt_at is not distinct from g."missedAt"))),
  outcomes as (
    select held.id, held.is_enabled, held.failing_since, bool_or(g.state = 'succeeded') as has_succeeded
    from given g join held on held.id = g."webhookId" where not g."isPing" group by 1, 2, 3),
  judged as (
    update webhooks w set failing_since = case when o.has_succeeded then null else now() end
    from outcomes o where w.id = o.id and o.has_succeeded = (o.failing_since is not null))
  select id as "webhookId", failing_since as "failingSince" from outcomes
  where not has_succeeded and is_enabled and failing_since <= ?`;
