import { defineEntity, p } from '@mikro-orm/core';
import type { EventObject, EventType } from '../../domain/event.ts';
import { newId } from '../ids.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'Event',
  tableName: 'events',
  uniques: [{ name: 'events_sequence', properties: ['user', 'sequence'] }],
  indexes: [
    {
      name: 'events_video',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.videoId}, ${c.sequence}) where ${c.videoId} is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    /** Given by the trigger `number_event` when the transaction commits; nobody ever sees a committed one without it. */
    sequence: p.bigint('number').nullable(),
    type: p.text().$type<EventType>(),
    objectType: p.text().$type<EventObject>(),
    objectId: p.uuid(),
    /** The video that it is about, or belongs to. No reference: an event outlives its object. */
    videoId: p.uuid().nullable(),
    /** The object's view without addresses, as it was then. */
    data: p.json<Record<string, unknown>>(),
    /** Set again with the number, so that it grows with it. */
    createdAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .index(),
  },
});

/** One thing that happened. */
export class Event extends schema.class {}
schema.setClass(Event);
