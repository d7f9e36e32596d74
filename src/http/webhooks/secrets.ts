import { z } from 'zod';
import { toWebhookSecretView, webhookSecretFields } from '../../views/webhooks.ts';
import { idParams } from '../parse.ts';
import { HttpProblem, notFound } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { TAG } from './fields.ts';
import { makeSecret, shownSecretFields } from './routes.ts';

const DAY_SEC = 24 * 3600;
const MAX_OVERLAP_SEC = 7 * DAY_SEC;

const newSecretSchema = z
  .strictObject({ ...shownSecretFields, ...webhookSecretFields })
  .meta({ id: 'NewWebhookSecret' });

const rotateSecret = defineRoute({
  method: 'post',
  path: '/v1/webhooks/:id/secrets',
  operationId: 'rotateWebhookSecret',
  tag: TAG,
  summary: 'Give a webhook a new secret',
  description: [
    'Older ones sign beside it until the overlap is over, so that the receiver can be changed in its own time; with `overlap_sec: 0`',
    'they are dead at once. Three may sign at a time.',
  ].join('\n'),
  scope: 'write',
  params: idParams,
  body: z.strictObject({
    overlap_sec: z
      .int()
      .min(0)
      .max(MAX_OVERLAP_SEC)
      .default(DAY_SEC)
      .meta({ description: 'How long older secrets go on signing; a day without it, a week at most' }),
  }),
  responses: {
    201: { description: 'The new secret', schema: newSecretSchema },
    409: { description: '`not_possible`: three sign already' },
  },
  handler: async ({ body, deps, idempotency, params, user }) => {
    const { shown, kept } = makeSecret(deps);
    return idempotency.commit(async ({ webhooks }) => {
      const rotation = await webhooks.rotate(user.id, params.id, kept, body.overlap_sec);
      if (rotation.outcome === 'not_found') throw notFound();
      if (rotation.outcome === 'too_many') throw tooMany(rotation.endsAt);
      const view = toWebhookSecretView(rotation.secret);
      return {
        status: 201,
        body: { secret: shown, ...view },
        storedBody: { secret: null, secret_shown: true, ...view },
      };
    });
  },
});

const tooMany = (endsAt: Date): HttpProblem =>
  new HttpProblem(
    'not_possible',
    `Three secrets sign already, the first of them until ${endsAt.toISOString()}; without an overlap they end now`,
    { retryable: true },
  );

/** The secrets of webhooks. */
export const webhookSecretRoutes: readonly Route[] = [rotateSecret];
