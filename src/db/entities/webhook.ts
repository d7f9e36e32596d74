import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { User } from './user.ts';
import { WebhookSecret } from './webhookSecret.ts';

const schema = defineEntity({
  name: 'Webhook',
  tableName: 'webhooks',
  indexes: [
    {
      name: 'webhooks_enabled',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.user}) where ${c.isEnabled}`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    /** Where to deliver, sealed: many services put a secret into the address. */
    sealedUrl: p.text(),
    /** Chosen types of events, as `src/domain/event.ts` has them; empty for all. */
    types: p.array().$type<string[]>(),
    description: p.text().nullable(),
    isEnabled: p.boolean().default(true),
    /** Why it was disabled by itself; null when its owner did it, or nobody. */
    disabledReason: p.text().nullable(),
    disabledAt: p.datetime(3).nullable(),
    /** Since when no delivery has succeeded; null after each that has. */
    failingSince: p.datetime(3).nullable(),
    /** Up to this number the user's events have their deliveries. */
    cursorSequence: p.bigint('number').default(0),
    /** Up to this number its workflow was told that there is something; and when, while it has not looked since. */
    toldSequence: p.bigint('number').default(0),
    toldAt: p.datetime(3).nullable(),
    /** Who is at it, alone, and looks for news of its own accord; ends by itself when that one dies. */
    attendedBy: p.uuid().nullable(),
    attendedUntil: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p.datetime(3).onCreate(() => new Date()),

    secrets: () => p.oneToMany(WebhookSecret).mappedBy('webhook'),
  },
});

/** Somewhere that a user's events are sent to. */
export class Webhook extends schema.class {}
schema.setClass(Webhook);
