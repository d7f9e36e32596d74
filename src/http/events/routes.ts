import { z } from 'zod';
import { isKnownPattern, PROGRESS_TYPES } from '../../domain/event.ts';
import { eventSchema, progressSchema, toEventView } from '../../views/events.ts';
import { decodeSequenceCursor, encodeSequenceCursor, listOf, sequencePageFields } from '../pagination.ts';
import { idParams } from '../parse.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { findVideo } from '../videos.ts';
import type { StreamFilter } from './frames.ts';
import { STREAM_HEADERS } from './hub.ts';

const TAG = 'Events';

const STREAM_TYPE = 'text/event-stream';

/** Every number that there will ever be. */
const SEQUENCE = /^\d{1,15}$/;

const isPattern = (pattern: string): boolean =>
  isKnownPattern(pattern) || PROGRESS_TYPES.some((type) => type === pattern);

const afterField = z
  .string()
  .regex(SEQUENCE, 'expected the number of an event, or 0')
  .transform(Number)
  .optional()
  .meta({ description: 'The `sequence` of the last event that is known already', example: '41' });
const typesField = z
  .string()
  .transform((text) => text.split(',').map((pattern) => pattern.trim()))
  .pipe(z.array(z.string().refine(isPattern, 'is not a type of event, nor a pattern of some')))
  // Every event is held against each of them, and those who ask for the same are told together.
  .transform((patterns) => [...new Set(patterns)].sort())
  .optional()
  .meta({
    description: 'Only these: types, all of a resource as in `video.*`, several separated by commas',
    example: 'video.ready,edit.*',
  });

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  description: 'For a stream: the id of the last event that has arrived; counts before `after`',
};
const STREAM_DESCRIPTION =
  'Each event has its `sequence` as id, its type, and itself as data. How far things are is told as `step.progress` and `edit.progress`, which have no id and are not kept. A comment says that somebody is there when there is nothing to tell. The stream ends when the token does; come back with `Last-Event-ID`, and nothing is missed.';

const eventListSchema = listOf(eventSchema).extend({
  last_sequence: z.int().meta({ description: 'Everything up to here was looked at: the next `after`' }),
});
const streamed = { streamOf: z.union([eventSchema, progressSchema]) };
const refusals = {
  410: { description: '`events_expired`: events after that number are no longer kept' },
};

/** The number that a stream goes on after. @throws HttpProblem `invalid_request` */
function readLastId({ ctx }: RouteRequest): number | null {
  const given = ctx.get('Last-Event-ID').trim();
  if (given === '') return null;
  if (SEQUENCE.test(given)) return Number(given);
  throw invalidRequest([{ path: 'Last-Event-ID', message: 'expected the number of an event, or 0' }]);
}

async function openStream(
  request: RouteRequest,
  { filter, after }: { filter: StreamFilter; after: number | null },
): Promise<Reply | undefined> {
  const { ctx, deps, user } = request;
  const from = { userId: user.id, filter, after: readLastId(request) ?? after };
  if (ctx.method === 'HEAD') {
    await deps.events.tryOpen(from);
    return { status: 200, headers: STREAM_HEADERS, body: '' };
  }
  // A stream that nobody could end would be one: these addresses are not signed.
  if (user.tokenId === null) throw new Error('A stream was asked for without a token');
  await deps.events.open({ ...from, ctx, tokenId: user.tokenId });
  return undefined;
}

/**
 * Gives the form in which an answer is wanted; false for none. A stream may be asked for with a charset or the like, which
 * a plain offer would not match: so it is offered as the header spells it, too.
 */
function chooseType({ ctx }: RouteRequest, ...others: string[]): string | false {
  const spelled = ctx
    .get('Accept')
    .split(',')
    .filter((range) => /^\s*text\/event-stream\s*;/i.test(range))
    .map((range) => range.replace(/;\s*q\s*=[^;]*/i, ''));
  const chosen = ctx.accepts(...others, STREAM_TYPE, ...spelled);
  return typeof chosen === 'string' && spelled.includes(chosen) ? STREAM_TYPE : (chosen as string | false);
}

const listEvents = defineRoute({
  method: 'get',
  path: '/v1/events',
  operationId: 'listEvents',
  tag: TAG,
  summary: 'What has happened, oldest first; or a stream of what happens',
  description: `Every event has the next number, without gaps: ask with the last one you know, and you have all of them. ${STREAM_DESCRIPTION} Without a number a stream tells what is new from then on.`,
  scope: 'read',
  query: z.strictObject({ ...sequencePageFields, after: afterField, types: typesField }),
  headers: [LAST_EVENT_ID],
  responses: {
    200: {
      description: 'One page; or, with `Accept: text/event-stream`, what happens as it happens',
      schema: eventListSchema,
      ...streamed,
    },
    ...refusals,
  },
  handler: async (request) => {
    const { deps, user, query } = request;
    const { limit, types = [] } = query;
    const goingOn = query.cursor === undefined ? null : decodeSequenceCursor(query.cursor);
    const after = goingOn ?? query.after ?? null;
    if (chooseType(request, 'application/json') === STREAM_TYPE) {
      return openStream(request, { filter: { types, videoId: null }, after });
    }
    const page = await deps.db.events.list(user.id, {
      ...{ afterSequence: after ?? 0, types, videoId: null, limit },
    });
    if (after !== null && after < page.expiredSequence) throw new HttpProblem('events_expired');
    const { lookedToSequence } = page;
    const next = lookedToSequence < page.lastSequence ? encodeSequenceCursor(lookedToSequence) : null;
    return {
      status: 200,
      body: { data: page.events.map(toEventView), next_cursor: next, last_sequence: lookedToSequence },
    };
  },
});

const streamVideoEvents = defineRoute({
  method: 'get',
  path: '/v1/videos/:id/events',
  operationId: 'streamVideoEvents',
  tag: TAG,
  summary: 'A stream of all that has happened to a video, and what happens next',
  description: `${STREAM_DESCRIPTION} It tells the whole story that is kept, unless it is told where to go on, and ends when the video is deleted.`,
  scope: 'read',
  params: idParams,
  query: z.strictObject({ after: afterField, types: typesField }),
  headers: [LAST_EVENT_ID],
  responses: {
    200: { description: 'What happened and what happens', ...streamed },
    406: { description: '`not_acceptable`: `Accept` names other types and leaves out `text/event-stream`' },
    ...refusals,
  },
  handler: async (request) => {
    if (!chooseType(request)) throw new HttpProblem('not_acceptable');
    const { id: videoId } = await findVideo(request, request.params.id);
    const { after = null, types = [] } = request.query;
    return openStream(request, { filter: { types, videoId }, after });
  },
});

export const eventRoutes: readonly Route[] = [listEvents, streamVideoEvents];
