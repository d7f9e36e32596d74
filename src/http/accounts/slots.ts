import { z } from 'zod';
import { PLATFORMS } from '../../domain/platform.ts';
import { type FoundSlots, MAX_SKIPPED, SKIP_REASONS } from '../../domain/slots.ts';
import { toLocalText, type WallTime } from '../../domain/zoneCalendar.ts';
import { createZoneCalendar } from '../../timeZones.ts';
import { idParams } from '../parse.ts';
import { defineRoute, type Route } from '../route.ts';
import { findAccount, slotLimitsOf, TAG } from './answers.ts';

const localTime = z.string().meta({ example: '2027-03-28T09:00' });

const timeFields = {
  at: z.iso.datetime(),
  local_time: localTime.meta({
    description: "The same by the clocks of the account's zone; `scheduled_at` takes it as it is",
  }),
  moved_from: localTime.nullable().meta({
    description: 'The time of the window where clocks skip it: then it is later by what they skip',
  }),
};

const slotSchema = z
  .strictObject(timeFields)
  .meta({ id: 'Slot', description: 'A time at which an account may post by itself' });

const skippedSchema = z
  .strictObject({
    ...timeFields,
    reason: z.enum(SKIP_REASONS).meta({
      description: [
        '`too_soon`: nearer than this installation needs to prepare a post. `close_to_other_post`: nearer to another post than the interval.',
        '`close_to_earlier_slot`: the same of the slot before it, where clocks go forward. `platform_limit`: the platform would get more posts',
        'in a stretch of time than it takes.',
      ].join('\n'),
    }),
    post_id: z.uuid().nullable(),
    platform: z.enum(PLATFORMS).nullable(),
  })
  .meta({ id: 'SkippedSlot', description: 'A time in a window that cannot be had' });

const slotsSchema = z.strictObject({
  data: z.array(slotSchema),
  next_cursor: z.null(),
  enabled: z.boolean().meta({
    description: 'Whether the account posts by itself: if not, these are the times that it would have',
  }),
  timezone: z.string(),
  skipped: z.array(skippedSchema).meta({ description: `In their order, the first ${MAX_SKIPPED} at most` }),
  skipped_count: z.int().meta({ description: 'How many there are in all' }),
});

/** Gives slots as the API shows them, by the clocks of a zone. */
function toSlotsView({ slots, skipped, skippedCount }: FoundSlots, timeZone: string) {
  const calendar = createZoneCalendar(timeZone);
  const toTime = ({ atMs, movedFrom }: { atMs: number; movedFrom: WallTime | null }) => ({
    at: new Date(atMs).toISOString(),
    local_time: toLocalText(calendar.wallTimeAt(atMs)),
    moved_from: movedFrom && toLocalText(movedFrom),
  });
  return {
    data: slots.map(toTime),
    next_cursor: null,
    timezone: timeZone,
    skipped: skipped.map(({ reason, postId, platform, ...time }) => ({
      ...toTime(time),
      ...{ reason, platform, post_id: postId },
    })),
    skipped_count: skippedCount,
  };
}

const listSlots = defineRoute({
  method: 'get',
  path: '/v1/accounts/:id/slots',
  operationId: 'listSlots',
  tag: TAG,
  summary: 'The next free slots of an account',
  description: [
    'What the next posts with `scheduled_at: "auto"` that go to all platforms of the account would get, one after the other, and why earlier',
    'times of its windows are not among them. Nothing is kept for whoever looks. There are fewer than asked for where the days that slots are',
    'given ahead are full.',
  ].join('\n'),
  scope: 'read',
  params: idParams,
  query: z.strictObject({
    count: z.coerce
      .number()
      .int()
      .min(1)
      .max(50)
      .default(10)
      .meta({ description: 'How many slots; ten without it' }),
  }),
  responses: { 200: { description: 'The slots, and the times that were skipped', schema: slotsSchema } },
  handler: async (request) => {
    const { deps, query } = request;
    const account = await findAccount(request, request.params.id);
    const found = await deps.db.slots.preview(account, query, slotLimitsOf(deps.config));
    return {
      status: 200,
      body: { enabled: account.isAutoposting, ...toSlotsView(found, account.timeZone) },
    };
  },
});

export const slotRoutes: readonly Route[] = [listSlots];
