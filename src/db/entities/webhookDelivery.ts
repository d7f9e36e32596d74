import { defineEntity, p } from '@mikro-orm/core';
import { DELIVERY_KINDS, DELIVERY_STATES } from '../../domain/webhook.ts';
import { newId } from '../ids.ts';
import { Webhook } from './webhook.ts';
import { WebhookAttempt } from './webhookAttempt.ts';

const schema = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  uniques: [{ name: 'webhook_deliveries_event', properties: ['webhook', 'eventId'] }],
  indexes: [
    {
      name: 'webhook_deliveries_due',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.webhook}, ${c.nextAttemptAt}) where ${c.state} = 'pending'`,
    },
    {
      name: 'webhook_deliveries_ended',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.endedAt}) where ${c.endedAt} is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    webhook: () => p.manyToOne(Webhook).deleteRule('cascade'),
    kind: p.enum(DELIVERY_KINDS).default('event'),
    /** What is told; of a ping an id of its own, under which there is no event. */
    eventId: p.uuid(),
    /** Of the event; null for a ping. */
    sequence: p.bigint('number').nullable(),
    type: p.text(),
    state: p.enum(DELIVERY_STATES).default('pending'),
    /** How many attempts were begun, and how many of the present schedule: a resend begins a new one. */
    attempts: p.integer().default(0),
    scheduleAttempts: p.integer().default(0),
    nextAttemptAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    endedAt: p.datetime(3).nullable(),

    log: () => p.oneToMany(WebhookAttempt).mappedBy('delivery'),
  },
});

/** One event on its way to one webhook. */
export class WebhookDelivery extends schema.class {}
schema.setClass(WebhookDelivery);
