import { z } from 'zod';
import { newId } from '../../db/ids.ts';
import type { SealedSecret, WebhookChanges } from '../../db/webhooks.ts';
import { webhookSecretPlace, webhookUrlPlace } from '../../domain/sealedPlaces.ts';
import { createSealer } from '../../secrets/sealing.ts';
import { makeWebhookSecret } from '../../secrets/webhookSecret.ts';
import { webhookFields, webhookSchema } from '../../views/webhooks.ts';
import { checkAddress } from '../addresses.ts';
import { listOf, pageFields, toList, toPage } from '../pagination.ts';
import { idParams } from '../parse.ts';
import { notFound } from '../problem.ts';
import { defineRoute, type Route, type RouteDeps } from '../route.ts';
import { descriptionField, findWebhook, TAG, toOwnView, typesField, urlField } from './fields.ts';

/** The field of a secret in the one answer that shows it. */
export const shownSecretFields = {
  secret: z
    .string()
    .nullable()
    .meta({ description: 'Verifies the signatures of deliveries; shown this once only' }),
  secret_shown: z
    .literal(true)
    .optional()
    .meta({ description: 'Of a replay: the secret was in the first answer' }),
};

const newWebhookSchema = z
  .strictObject({ ...shownSecretFields, ...webhookFields })
  .meta({ id: 'NewWebhook' });

/** Makes a secret, to be shown once, and what is kept of it. */
export function makeSecret({ config }: RouteDeps): { shown: string; kept: SealedSecret } {
  const [id, secret] = [newId(), makeWebhookSecret()];
  const sealed = createSealer(config.ENCRYPTION_KEYS).seal(secret, webhookSecretPlace(id));
  return { shown: secret, kept: { id, sealed } };
}

/** Checks an address, and gives it as it is kept. @throws HttpProblem `invalid_request` */
const sealUrl = ({ config }: RouteDeps, webhookId: string, url: string): string =>
  createSealer(config.ENCRYPTION_KEYS).seal(
    checkAddress(url, config.EGRESS_ALLOW_CIDRS),
    webhookUrlPlace(webhookId),
  );

const createWebhook = defineRoute({
  method: 'post',
  path: '/v1/webhooks',
  operationId: 'createWebhook',
  tag: TAG,
  summary: 'Have events sent to an address',
  description: [
    'Told is what happens from now on: one POST for each event, whose body is the Event as JSON with its `created_at` as `timestamp`, too.',
    'Any 2xx means that it was taken; redirects are not followed. Everything else is tried again, over about three days, later each time;',
    '`Retry-After` of a 429 or 503 is kept to, and 410 disables the webhook at once. Order is not promised, every event has its `sequence`;',
    'what comes twice has the same `webhook-id`. Deliveries are signed as the Standard Webhooks specification has it (headers `webhook-id`,',
    '`webhook-timestamp`, `webhook-signature`), with the `secret` of this answer. A repetition with the same `Idempotency-Key` gives the',
    'webhook without it, and without its `url`.',
  ].join('\n'),
  scope: 'write',
  body: z.strictObject({
    url: urlField,
    types: typesField.optional(),
    description: descriptionField.nullable().optional(),
    enabled: z.boolean().optional().meta({ description: 'True without it' }),
  }),
  responses: {
    201: {
      description: 'The webhook, with its secret',
      schema: newWebhookSchema,
      headers: { Location: 'The address of the webhook' },
    },
    403: { description: '`quota_exceeded`: there are as many as may be' },
    422: { description: '`invalid_request`: also an address that is certainly not allowed' },
  },
  handler: async (request) => {
    const { body, deps, idempotency, user } = request;
    const id = newId();
    const sealedUrl = sealUrl(deps, id, body.url);
    const { shown, kept } = makeSecret(deps);
    const wanted = {
      ...{ id, userId: user.id, sealedUrl, secret: kept },
      types: body.types ?? ['*'],
      description: body.description ?? null,
      isEnabled: body.enabled ?? true,
    };
    return idempotency.commit(async ({ webhooks }) => {
      const view = toOwnView(request, await webhooks.insert(wanted, deps.config.MAX_WEBHOOKS));
      return {
        status: 201,
        headers: { Location: `${deps.config.PUBLIC_URL}/v1/webhooks/${id}` },
        body: { secret: shown, ...view },
        // The address may be as secret as the secret.
        storedBody: { secret: null, secret_shown: true, ...view, url: null },
      };
    });
  },
});

const listWebhooks = defineRoute({
  method: 'get',
  path: '/v1/webhooks',
  operationId: 'listWebhooks',
  tag: TAG,
  summary: 'List webhooks, newest first',
  scope: 'read',
  query: z.strictObject(pageFields),
  responses: { 200: { description: 'One page', schema: listOf(webhookSchema) } },
  handler: async (request) => {
    const page = toPage(request.query);
    const rows = await request.deps.db.webhooks.list(request.user.id, page);
    return { status: 200, body: toList(rows, page, (row) => toOwnView(request, row)) };
  },
});

const getWebhook = defineRoute({
  method: 'get',
  path: '/v1/webhooks/:id',
  operationId: 'getWebhook',
  tag: TAG,
  summary: 'A webhook, and whether it works',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The webhook', schema: webhookSchema } },
  handler: async (request) => ({
    status: 200,
    body: toOwnView(request, await findWebhook(request, request.params.id)),
  }),
});

const changeWebhook = defineRoute({
  method: 'patch',
  path: '/v1/webhooks/:id',
  operationId: 'changeWebhook',
  tag: TAG,
  summary: 'Change where events are sent to, which, or whether at all',
  description: [
    'Disabling it cancels what is still to be delivered. One that is enabled again is told of what happens from then on.',
    'Deliveries that are under way go to the new address.',
  ].join('\n'),
  scope: 'write',
  params: idParams,
  body: z.strictObject({
    url: urlField.optional(),
    types: typesField.optional(),
    description: descriptionField.nullable().optional(),
    enabled: z.boolean().optional(),
  }),
  responses: { 200: { description: 'The webhook as it is now', schema: webhookSchema } },
  handler: async (request) => {
    const { deps, user, params, body } = request;
    const changes: WebhookChanges = {
      ...(body.url === undefined ? {} : { sealedUrl: sealUrl(deps, params.id, body.url) }),
      ...(body.types === undefined ? {} : { types: body.types }),
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(body.enabled === undefined ? {} : { isEnabled: body.enabled }),
    };
    const webhook = await deps.db.webhooks.change(user.id, params.id, changes);
    if (!webhook) throw notFound();
    return { status: 200, body: toOwnView(request, webhook) };
  },
});

const deleteWebhook = defineRoute({
  method: 'delete',
  path: '/v1/webhooks/:id',
  operationId: 'deleteWebhook',
  tag: TAG,
  summary: 'Remove a webhook with its log; nothing more is sent',
  scope: 'write',
  params: idParams,
  responses: { 204: { description: 'Removed' } },
  handler: async ({ deps, params, user }) => {
    if (!(await deps.db.webhooks.remove(user.id, params.id))) throw notFound();
    return { status: 204 };
  },
});

/** Webhooks themselves; see also their secrets and their deliveries. */
export const webhookRoutes: readonly Route[] = [
  createWebhook,
  listWebhooks,
  getWebhook,
  changeWebhook,
  deleteWebhook,
];
