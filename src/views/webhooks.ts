import { z } from 'zod';
import type { Webhook } from '../db/entities/webhook.ts';
import type { WebhookSecret } from '../db/entities/webhookSecret.ts';

const instant = z.iso.datetime();

export const webhookSecretFields = {
  id: z.uuid(),
  created_at: instant,
  expires_at: instant
    .nullable()
    .meta({ description: 'Until then it signs beside the newest one, for which this is null' }),
};

export const webhookFields = {
  id: z.uuid(),
  url: z.string().nullable().meta({
    description:
      'For every token of its owner, whatever its scope. Null in events and replays, and where the key that it was sealed with is no longer configured: set it again then',
  }),
  types: z.array(z.string()).meta({ description: 'Chosen events; `["*"]` for all' }),
  description: z.string().nullable(),
  enabled: z.boolean(),
  disabled_reason: z.string().nullable().meta({
    description:
      '`gone`: the receiver answered 410; `failing`: nothing was taken for days. Null when its owner did it',
  }),
  disabled_at: instant.nullable(),
  failing_since: instant.nullable().meta({ description: 'Since when no delivery has succeeded' }),
  created_at: instant,
  updated_at: instant,
  secrets: z
    .array(z.strictObject(webhookSecretFields))
    .meta({ description: 'What deliveries are signed with, the newest first; never the secrets themselves' }),
};
export const webhookSchema = z
  .strictObject(webhookFields)
  .meta({ id: 'Webhook', description: 'Somewhere that events are sent to' });

/** Gives a secret as the API shows it: never what it is. */
export const toWebhookSecretView = ({ id, createdAt, expiresAt }: WebhookSecret) => ({
  id,
  created_at: createdAt.toISOString(),
  expires_at: expiresAt?.toISOString() ?? null,
});

const isLive = ({ expiresAt }: WebhookSecret): boolean => !expiresAt || expiresAt.getTime() > Date.now();

/**
 * Gives a webhook, with its secrets loaded, as the API shows it.
 *
 * @param url what is opened of it; null for what is kept, since many addresses hold a secret
 */
export const toWebhookView = (webhook: Webhook, url: string | null): z.output<typeof webhookSchema> => ({
  id: webhook.id,
  url,
  types: webhook.types.length === 0 ? ['*'] : webhook.types,
  description: webhook.description ?? null,
  enabled: webhook.isEnabled,
  disabled_reason: webhook.disabledReason ?? null,
  disabled_at: webhook.disabledAt?.toISOString() ?? null,
  failing_since: webhook.failingSince?.toISOString() ?? null,
  created_at: webhook.createdAt.toISOString(),
  updated_at: webhook.updatedAt.toISOString(),
  secrets: [...webhook.secrets]
    .filter(isLive)
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .map(toWebhookSecretView),
});
