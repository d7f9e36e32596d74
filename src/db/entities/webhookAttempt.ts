import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { WebhookDelivery } from './webhookDelivery.ts';

const schema = defineEntity({
  name: 'WebhookAttempt',
  tableName: 'webhook_attempts',
  properties: {
    id: p.uuid().primary().onCreate(newId),
    delivery: () => p.manyToOne(WebhookDelivery).deleteRule('cascade').index(),
    number: p.integer(),
    startedAt: p.datetime(3),
    /** Null where nobody answered: how long that took would tell what is behind an address. */
    durationMs: p.integer().nullable(),
    /** Of the answer; null when there was none. */
    status: p.integer().nullable(),
    errorCode: p.text().nullable(),
    /** The first kilobyte of the answer, as text. */
    response: p.text().nullable(),
  },
});

/** One try at a delivery, and what came of it. */
export class WebhookAttempt extends schema.class {}
schema.setClass(WebhookAttempt);
