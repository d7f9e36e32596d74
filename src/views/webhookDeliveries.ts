import { z } from 'zod';
import type { WebhookAttempt } from '../db/entities/webhookAttempt.ts';
import type { WebhookDelivery } from '../db/entities/webhookDelivery.ts';
import { DELIVERY_KINDS, DELIVERY_STATES } from '../domain/webhook.ts';

const instant = z.iso.datetime();

const attemptSchema = z
  .strictObject({
    number: z.int(),
    at: instant,
    status: z.int().nullable().meta({ description: 'Of the answer; null when there was none' }),
    duration_ms: z.int().nullable().meta({ description: 'Null where nobody answered' }),
    error_code: z.string().nullable().meta({
      description:
        'Why there is no `status`: `unreachable`, `untrusted` (its certificate), `refused` (nothing is sent to such an address) or `timeout`, among others; null without one while it is under way, or where its worker died',
    }),
    response: z.string().nullable().meta({ description: 'The first kilobyte of the answer' }),
  })
  .meta({ id: 'WebhookAttempt' });

export const webhookDeliverySchema = z
  .strictObject({
    id: z.uuid(),
    webhook_id: z.uuid(),
    kind: z.enum(DELIVERY_KINDS),
    event_id: z
      .uuid()
      .meta({ description: '`webhook-id` of the request, the same in every attempt; of a ping its own' }),
    sequence: z.int().nullable().meta({ description: 'Of the event; null for a ping' }),
    type: z.string(),
    state: z.enum(DELIVERY_STATES),
    next_attempt_at: instant.nullable(),
    created_at: instant,
    ended_at: instant.nullable(),
    attempts: z.array(attemptSchema).meta({ description: 'All of them, the first one first' }),
  })
  .meta({ id: 'WebhookDelivery', description: 'One event on its way to one webhook' });

export type WebhookDeliveryView = z.output<typeof webhookDeliverySchema>;

const toAttemptView = (attempt: WebhookAttempt): z.output<typeof attemptSchema> => ({
  number: attempt.number,
  at: attempt.startedAt.toISOString(),
  status: attempt.status ?? null,
  duration_ms: attempt.durationMs ?? null,
  error_code: attempt.errorCode ?? null,
  response: attempt.response ?? null,
});

/** Gives a delivery, with its attempts loaded, as the API shows it. */
export const toWebhookDeliveryView = (delivery: WebhookDelivery): WebhookDeliveryView => ({
  id: delivery.id,
  webhook_id: delivery.webhook.id,
  kind: delivery.kind,
  event_id: delivery.eventId,
  sequence: delivery.sequence ?? null,
  type: delivery.type,
  state: delivery.state,
  next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
  created_at: delivery.createdAt.toISOString(),
  ended_at: delivery.endedAt?.toISOString() ?? null,
  attempts: [...delivery.log].sort((a, b) => a.number - b.number).map(toAttemptView),
});
