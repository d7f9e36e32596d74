import { z } from 'zod';
import type { Event } from '../db/entities/event.ts';
import { EVENT_OBJECTS, EVENT_TYPES, PROGRESS_TYPES, type Progress } from '../domain/event.ts';

export const eventSchema = z
  .strictObject({
    id: z
      .uuid()
      .meta({ description: 'The same wherever and however often it is told: what repetitions are known by' }),
    sequence: z.int().meta({ description: 'Per user, from 1 on and without gaps' }),
    type: z.enum(EVENT_TYPES),
    created_at: z.iso.datetime(),
    object: z.strictObject({
      type: z.enum(EVENT_OBJECTS),
      id: z.uuid().meta({ description: 'Of a step its video’s; `data.name` says which step it is' }),
    }),
    data: z
      .record(z.string(), z.unknown())
      .meta({ description: 'The object as the API shows it, as it was then; without signed addresses' }),
  })
  .meta({ id: 'Event', description: 'One thing that happened' });

export type EventView = z.output<typeof eventSchema>;

/** Gives a numbered event as it is told, in the feed, over SSE and to webhooks alike. */
export const toEventView = (event: Event): EventView => ({
  id: event.id,
  sequence: event.sequence ?? 0,
  type: event.type,
  created_at: event.createdAt.toISOString(),
  object: { type: event.objectType, id: event.objectId },
  data: event.data,
});

export const progressSchema = z
  .strictObject({
    type: z.enum(PROGRESS_TYPES),
    object: z.strictObject({ type: z.enum(['step', 'edit']), id: z.uuid() }),
    data: z.strictObject({
      video_id: z.uuid().nullable().meta({ description: 'Null while an edit has not made its video yet' }),
      name: z.string().meta({ description: 'Of the step, or the kind of the edit' }),
      attempt: z.int(),
      percent: z.int().min(0).max(100),
    }),
  })
  .meta({
    id: 'Progress',
    description: 'How far something is; told while somebody listens, and never again',
  });

export type ProgressView = z.output<typeof progressSchema>;

/** Gives how far something is as it is told over SSE. */
export const toProgressView = (progress: Progress): ProgressView => ({
  type: `${progress.object}.progress`,
  // As in events: a step is known by its video and its name.
  object: { type: progress.object, id: progress.object === 'step' ? (progress.videoId ?? '') : progress.id },
  data: {
    video_id: progress.videoId,
    name: progress.name,
    attempt: progress.attempt,
    percent: progress.percent,
  },
});
