import { z } from 'zod';
import type { Webhook } from '../../db/entities/webhook.ts';
import { EVENT_PATTERNS, isKnownPattern } from '../../domain/event.ts';
import { webhookUrlPlace } from '../../domain/sealedPlaces.ts';
import { createSealer, SealedTextError } from '../../secrets/sealing.ts';
import { toWebhookView } from '../../views/webhooks.ts';
import { MAX_URL_LENGTH } from '../addresses.ts';
import { notFound } from '../problem.ts';
import type { RouteRequest } from '../route.ts';
import { line } from '../uploads/videoFields.ts';

export const TAG = 'Webhooks';

const MAX_DESCRIPTION_CHARS = 500;

export const urlField = z
  .string()
  .max(MAX_URL_LENGTH)
  .meta({
    description: 'Where events are sent to, by POST over http or https; kept sealed',
    examples: ['https://hooks.example.com/videoflow'],
  });

export const typesField = z
  .array(z.string().refine(isKnownPattern, `must be one of ${EVENT_PATTERNS.join(', ')}`))
  // Who leaves nothing may have meant nothing; all is said with a word.
  .min(1, 'must name at least one; all are ["*"]')
  .max(EVENT_PATTERNS.length)
  .transform((types) => [...new Set(types)])
  .meta({
    description:
      'Types of events, or all of a resource such as `video.*`, or `*` for all. A new webhook without it is told of all',
    examples: [['video.ready', 'video.failed']],
  });

export const descriptionField = line(MAX_DESCRIPTION_CHARS).meta({ description: 'To tell webhooks apart' });

/** Gives a user's webhook. @throws HttpProblem `not_found` */
export async function findWebhook({ deps, user }: RouteRequest, id: string): Promise<Webhook> {
  const webhook = await deps.db.webhooks.find(user.id, id);
  if (!webhook) throw notFound();
  return webhook;
}

/** Gives a webhook as its owner sees it: one that cannot be opened any more can still be changed and removed. */
export function toOwnView({ deps, log }: RouteRequest, webhook: Webhook): ReturnType<typeof toWebhookView> {
  try {
    const url = createSealer(deps.config.ENCRYPTION_KEYS).open(
      webhook.sealedUrl,
      webhookUrlPlace(webhook.id),
    );
    return toWebhookView(webhook, url);
  } catch (error) {
    if (!(error instanceof SealedTextError)) throw error;
    log.error({ webhook_id: webhook.id, err: error }, 'the address of a webhook cannot be opened');
    return toWebhookView(webhook, null);
  }
}
