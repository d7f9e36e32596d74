import { newId } from '../../src/db/ids.ts';
import type { DeliveryState } from '../../src/domain/webhook.ts';
import type { Flows } from '../../src/flows.ts';
import type { TestApi } from './api.ts';

/** Somewhere that webhooks may be sent to, with a secret in its address. */
export const HOOK_URL = 'https://hooks.example.com/services/T0/very-secret?token=hidden';

/** A secret as it is shown once. */
export const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;

export interface AddedDelivery {
  userId: string;
  webhookId: string;
  type?: string;
  state?: DeliveryState;
  /** Of one that is there; a new one without it. */
  eventId?: string;
  /** Without it the event is there. */
  isGone?: boolean;
  attempts?: AddedAttempt[];
}

interface AddedAttempt {
  status?: number;
  durationMs?: number;
  errorCode?: string;
  response?: string;
}

/** Makes a webhook that nobody can open, and gives its id. */
export async function addWebhook(api: TestApi, userId: string): Promise<string> {
  const id = newId();
  const secret = { id: newId(), sealed: 'sealed' };
  const webhook = { id, userId, sealedUrl: 'sealed', types: [], description: null, isEnabled: true };
  await api.db.transaction(({ webhooks }) => webhooks.insert({ ...webhook, secret }, 1000));
  return id;
}

/** Writes an event and its delivery as the worker leaves them, and gives the delivery's id. */
export async function addDelivery(api: TestApi, added: AddedDelivery): Promise<string> {
  const {
    userId,
    webhookId,
    type = 'video.ready',
    state = 'succeeded',
    attempts = [{ status: 200 }],
  } = added;
  const id = newId();
  const eventId = added.eventId ?? (added.isGone ? newId() : await addEvent(api, userId, type));
  await api.sql(
    `insert into webhook_deliveries (id, webhook_id, event_id, sequence, type, state, attempts, schedule_attempts,
       next_attempt_at, created_at, ended_at)
     select $1, $2, $3, (select sequence from events where id = $3), $4, $5, $6::int, $6::int,
       case when $5 = 'pending' then now() + interval '1 hour' end, now(), case when $5 <> 'pending' then now() end`,
    [id, webhookId, eventId, type, state, attempts.length],
  );
  for (const [at, attempt] of attempts.entries()) await addAttempt(api, id, at + 1, attempt);
  return id;
}

/** Writes an event into a user's feed, and gives its id. */
export async function addEvent(api: TestApi, userId: string, type = 'video.ready'): Promise<string> {
  const id = newId();
  await api.sql(
    `insert into events (id, user_id, type, object_type, object_id, data, created_at)
     values ($1, $2, $3, 'video', $4, '{}', now())`,
    [id, userId, type, newId()],
  );
  return id;
}

/** Does the worker's part of a ping: writes down the attempt and its end. */
export const answerPing =
  (api: TestApi, attempt: AddedAttempt): Flows['pingWebhook'] =>
  async ({ deliveryId }) => {
    const state = attempt.status !== undefined && attempt.status < 300 ? 'succeeded' : 'failed';
    await addAttempt(api, deliveryId, 1, attempt);
    await api.sql('update webhook_deliveries set attempts = 1, state = $2, ended_at = now() where id = $1', [
      deliveryId,
      state,
    ]);
    return { state: 'done', result: undefined };
  };

const addAttempt = (
  api: TestApi,
  deliveryId: string,
  number: number,
  { status, durationMs, errorCode, response }: AddedAttempt,
) =>
  api.sql(
    `insert into webhook_attempts (id, delivery_id, number, started_at, duration_ms, status, error_code, response)
     values ($1, $2, $3, now(), $4, $5, $6, $7)`,
    [newId(), deliveryId, number, durationMs ?? null, status ?? null, errorCode ?? null, response ?? null],
  );
