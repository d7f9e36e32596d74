import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { Webhook } from './webhook.ts';

const schema = defineEntity({
  name: 'WebhookSecret',
  tableName: 'webhook_secrets',
  properties: {
    id: p.uuid().primary().onCreate(newId),
    webhook: () => p.manyToOne(Webhook).deleteRule('cascade').index(),
    /** Sealed by `src/secrets`, tied to this row's id. */
    sealed: p.text(),
    /** After a rotation the old one signs too until then; null for the newest. */
    expiresAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** What the deliveries of a webhook are signed with. */
export class WebhookSecret extends schema.class {}
schema.setClass(WebhookSecret);
