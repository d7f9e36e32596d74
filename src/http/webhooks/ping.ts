import { EngineUnavailableError, NoWorkerError } from '../../errors.ts';
import { webhookDeliverySchema } from '../../views/webhookDeliveries.ts';
import { idParams } from '../parse.ts';
import { notFound } from '../problem.ts';
import { defineRoute, type Route, type RouteRequest } from '../route.ts';
import { whileAsked } from '../wait.ts';
import { toWorkProblem } from '../workFailures.ts';
import { pollDelivery } from './deliveries.ts';
import { TAG } from './fields.ts';

type PingRequest = RouteRequest<{ id: string }>;

interface Accepted {
  id: string;
  /** By this very request, and not by one before it with the same key. */
  isNew: boolean;
}

/** Makes the row; or finds the one of a request with the same key that did not live to be answered. */
async function accept({ deps, user, params, idempotency }: PingRequest): Promise<Accepted> {
  const { begunId } = idempotency;
  const key = { userId: user.id, webhookId: params.id };
  if (begunId !== null && (await deps.db.webhookDeliveries.find({ ...key, id: begunId })))
    return { id: begunId, isNew: false };
  const id = await idempotency.accept(async ({ webhookDeliveries }) => {
    const made = await webhookDeliveries.insertPing(user.id, params.id);
    if (made === null) throw notFound();
    return made;
  });
  return { id, isNew: true };
}

/**
 * Waits until it is sent, or for as long as one waits.
 *
 * @throws NoWorkerError, EngineUnavailableError or HttpProblem: it is not sent by anybody, and nothing of it is left
 */
async function haveSent({ ctx, deps, user, params }: PingRequest, { id, isNew }: Accepted): Promise<void> {
  const ping = { deliveryId: id, webhookId: params.id, userId: user.id, requestId: ctx.state.requestId };
  try {
    const end = await whileAsked(ctx, (signal) => deps.flows.pingWebhook(ping, { signal }));
    if (end.state !== 'failed') return;
    await deps.db.webhookDeliveries.abandonPing(id);
    throw toWorkProblem(end);
  } catch (error) {
    const isUntold = error instanceof NoWorkerError || error instanceof EngineUnavailableError;
    // The engine may be away and have sent it all the same: then its row says what came of it.
    if (isUntold && isNew && !(await deps.db.webhookDeliveries.withdrawPing(id))) return;
    throw error;
  }
}

const pingWebhook = defineRoute({
  method: 'post',
  path: '/v1/webhooks/:id/test',
  operationId: 'pingWebhook',
  tag: TAG,
  summary: 'Send a ping and see what comes of it',
  description:
    'Once, signed like every delivery, also while the webhook is disabled. It is no event, and counts neither for nor against it.',
  scope: 'write',
  params: idParams,
  responses: {
    200: { description: 'The ping with its attempt, whatever came of it', schema: webhookDeliverySchema },
    202: {
      description: 'Still under way after 25 seconds',
      schema: webhookDeliverySchema,
      headers: { Location: 'The address of the delivery' },
    },
    503: { description: '`no_worker`; `engine_unavailable`' },
  },
  poll: pollDelivery,
  handler: async (request) => {
    const accepted = await accept(request);
    await haveSent(request, accepted);
    return pollDelivery(request, accepted.id);
  },
});

/** Trying webhooks out. */
export const webhookPingRoutes: readonly Route[] = [pingWebhook];
