import { z } from 'zod';
import type { WebhookDelivery } from '../../db/entities/webhookDelivery.ts';
import type { DeliveryFilter, Resend } from '../../db/webhookDeliveries.ts';
import { EVENT_TYPES } from '../../domain/event.ts';
import { DELIVERY_STATES, PING_TYPE } from '../../domain/webhook.ts';
import {
  toWebhookDeliveryView,
  type WebhookDeliveryView,
  webhookDeliverySchema,
} from '../../views/webhookDeliveries.ts';
import { listOf, pageFields, toList, toPage } from '../pagination.ts';
import { idField, idParams } from '../parse.ts';
import { HttpProblem, notFound } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { findWebhook, TAG } from './fields.ts';

const deliveryParams = z.strictObject({ id: idField, delivery_id: idField });
const TOLD_TYPES = [...EVENT_TYPES, PING_TYPE] as const;

/** Gives a delivery of a user's webhook. @throws HttpProblem `not_found` */
export async function findDelivery(
  { deps, user }: RouteRequest,
  webhookId: string,
  id: string,
): Promise<WebhookDelivery> {
  const delivery = await deps.db.webhookDeliveries.find({ userId: user.id, webhookId, id });
  if (!delivery) throw notFound();
  return delivery;
}

/** What receivers answered stays in their log: some say back where they were called, secrets and all. */
const withoutResponses = (view: WebhookDeliveryView): WebhookDeliveryView => ({
  ...view,
  attempts: view.attempts.map((attempt) => ({ ...attempt, response: null })),
});

/** Answers with a delivery as it is now. */
export function toDeliveryReply({ deps }: RouteRequest, delivery: WebhookDelivery, status: number): Reply {
  const body = toWebhookDeliveryView(delivery);
  const path = `/v1/webhooks/${body.webhook_id}/deliveries/${body.id}`;
  const headers = status === 202 ? { headers: { Location: `${deps.config.PUBLIC_URL}${path}` } } : {};
  return { status, ...headers, body, storedBody: withoutResponses(body), objectId: body.id };
}

/** The answer as a delivery stands now; for `Prefer: wait`, too, which goes on until it has come to an end. */
export const pollDelivery = async (request: RouteRequest, id: string): Promise<Reply> => {
  const { id: webhookId } = request.params as { id: string };
  const delivery = await findDelivery(request, webhookId, id);
  return toDeliveryReply(request, delivery, delivery.state === 'pending' ? 202 : 200);
};

const listDeliveries = defineRoute({
  method: 'get',
  path: '/v1/webhooks/:id/deliveries',
  operationId: 'listWebhookDeliveries',
  tag: TAG,
  summary: 'What was sent, with every attempt; newest events first',
  description: 'Kept as long as events are.',
  scope: 'read',
  params: idParams,
  query: z.strictObject({
    ...pageFields,
    state: z.enum(DELIVERY_STATES).optional(),
    type: z.enum(TOLD_TYPES).optional().meta({ description: 'Of the event; `webhook.ping` for pings' }),
  }),
  responses: { 200: { description: 'One page', schema: listOf(webhookDeliverySchema) } },
  handler: async (request) => {
    const { deps, params, query, user } = request;
    const webhook = await findWebhook(request, params.id);
    const page = toPage(query);
    const filter: DeliveryFilter = {
      ...(query.state ? { state: query.state } : {}),
      ...(query.type ? { type: query.type } : {}),
    };
    const rows = await deps.db.webhookDeliveries.list(user.id, webhook.id, filter, page);
    // The page goes by what is told, and not by when it was taken up.
    const byEvent = rows.map((delivery) => ({ id: delivery.eventId, delivery }));
    return { status: 200, body: toList(byEvent, page, ({ delivery }) => toWebhookDeliveryView(delivery)) };
  },
});

const getDelivery = defineRoute({
  method: 'get',
  path: '/v1/webhooks/:id/deliveries/:delivery_id',
  operationId: 'getWebhookDelivery',
  tag: TAG,
  summary: 'One delivery with every attempt',
  scope: 'read',
  params: deliveryParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The delivery', schema: webhookDeliverySchema } },
  handler: async (request) => {
    const { id, delivery_id } = request.params;
    return toDeliveryReply(request, await findDelivery(request, id, delivery_id), 200);
  },
});

/** Why a delivery is not sent again. */
const REFUSALS: Readonly<Record<Exclude<Resend['outcome'], 'accepted'>, () => HttpProblem>> = {
  not_found: notFound,
  disabled: () => new HttpProblem('webhook_disabled'),
  is_ping: () => new HttpProblem('not_possible', 'A ping is not sent again; ask for another one'),
  event_gone: () => new HttpProblem('event_gone'),
};

const resendDelivery = defineRoute({
  method: 'post',
  path: '/v1/webhooks/:id/deliveries/:delivery_id/resend',
  operationId: 'resendWebhookDelivery',
  tag: TAG,
  summary: 'Send an event again, now, also one that was taken',
  description:
    'With the same `webhook-id`, by which receivers know it again, and with a whole schedule of attempts.',
  scope: 'write',
  params: deliveryParams,
  responses: {
    200: { description: 'The end of it, with `Prefer: wait`', schema: webhookDeliverySchema },
    202: {
      description: 'It is due',
      schema: webhookDeliverySchema,
      headers: { Location: 'The address of the delivery' },
    },
    409: { description: '`webhook_disabled`: enable it first; `not_possible`: it is a ping' },
    410: { description: '`event_gone`: it is no longer kept' },
  },
  poll: pollDelivery,
  handler: async (request) => {
    const { deps, idempotency, params, user } = request;
    const key = { userId: user.id, webhookId: params.id, id: params.delivery_id };
    const reply = await idempotency.commit(async ({ webhookDeliveries }) => {
      const resend = await webhookDeliveries.requestResend(key);
      if (resend.outcome !== 'accepted') throw REFUSALS[resend.outcome]();
      return toDeliveryReply(request, resend.delivery, 202);
    });
    // Not waited for: it is due in the database, where it is found without this, too.
    void deps.flows.deliverWebhook({ webhookId: params.id, userId: user.id });
    return reply;
  },
});

/** The log of what webhooks were sent. */
export const webhookDeliveryRoutes: readonly Route[] = [listDeliveries, getDelivery, resendDelivery];
