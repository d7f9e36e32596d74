import { z } from 'zod';
import type { EditIntent, Parent, RetriedResult } from '../db/edits.ts';
import type { Edit } from '../db/entities/edit.ts';
import type { Queries } from '../db/index.ts';
import { EDIT_STATUSES, isFinalEdit } from '../domain/edit.ts';
import { editSchema, toEditView } from '../views/edits.ts';
import { assertUsable, mergeBody, toMerge, toTrim, trimBody } from './editRequests.ts';
import { listOf, pageFields, toList, toPage } from './pagination.ts';
import { idParams } from './parse.ts';
import { HttpProblem, notFound } from './problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from './route.ts';
import { quotaLimits } from './uploads/quotas.ts';

const TAG = 'Editing';

async function findEdit({ deps, user }: RouteRequest, id: string): Promise<Edit> {
  const edit = await deps.db.edits.find(user.id, id);
  if (!edit) throw notFound();
  return edit;
}

/** For `Prefer: wait`: the answer once the edit has come to an end. */
async function pollEdit(request: RouteRequest, id: string): Promise<Reply | null> {
  const edit = await findEdit(request, id);
  return { status: isFinalEdit(edit.status) ? 200 : 202, body: toEditView(edit) };
}

const toAccepted = ({ deps }: RouteRequest, edit: Edit): Reply => ({
  status: 202,
  headers: { Location: `${deps.config.PUBLIC_URL}/v1/edits/${edit.id}` },
  body: toEditView(edit),
  objectId: edit.id,
});

const accepted = {
  200: { description: 'The end of it, with `Prefer: wait`', schema: editSchema },
  202: { description: 'Accepted', schema: editSchema, headers: { Location: 'The address of the edit' } },
};
const refused = {
  403: { description: '`quota_exceeded`: as many bytes are stored as may be' },
  404: { description: '`not_found`: a video is not there' },
  409: { description: '`video_not_usable`: a video has failed, was cancelled, or has no bytes yet' },
};

/** Makes an edit of videos as they are now, together with the answer that is kept, and tells the engine. */
async function createEdit(
  request: RouteRequest,
  ids: readonly string[],
  toBirth: (parents: (Parent | null)[]) => ReturnType<typeof toTrim>,
): Promise<Reply> {
  const { ctx, deps, user, idempotency } = request;
  const reply = await idempotency.commit(async ({ edits, uploads }) => {
    const birth = toBirth(await edits.findParents(user.id, ids));
    // How large the result is shows when it is made; who has no room at all may know that now.
    await uploads.assertRoom(user.id, 1, quotaLimits(deps.config));
    return toAccepted(request, await edits.insert({ ...birth, userId: user.id }));
  });
  // Not waited for: the reconciler starts what the engine was not told of.
  void deps.flows.startEdit({
    editId: reply.objectId ?? '',
    userId: user.id,
    run: 1,
    requestId: ctx.state.requestId,
  });
  return reply;
}

const trimVideo = defineRoute({
  method: 'post',
  path: '/v1/videos/:id/trim',
  operationId: 'trimVideo',
  tag: TAG,
  summary: 'Make a new video of a part of one',
  description:
    'A video that is still being processed is waited for. Nothing is encoded again that need not be: `method` says what was done.',
  scope: 'write',
  params: idParams,
  body: trimBody,
  responses: {
    ...accepted,
    ...refused,
    422: { description: '`invalid_request`: `errors` names the time that is wrong' },
  },
  poll: pollEdit,
  handler: (request) =>
    createEdit(request, [request.params.id], ([parent]) => toTrim(request.body, parent ?? null)),
});

const mergeVideos = defineRoute({
  method: 'post',
  path: '/v1/videos/merge',
  operationId: 'mergeVideos',
  tag: TAG,
  summary: 'Make one new video of several, one after the other',
  description:
    'Videos that are still being processed are waited for. What has the common format is copied: `method` says what was done.',
  scope: 'write',
  body: mergeBody,
  responses: {
    ...accepted,
    ...refused,
    422: { description: '`invalid_request`: fewer than two or more than fifty, or together too long' },
  },
  poll: pollEdit,
  handler: (request) => {
    const { body, deps } = request;
    return createEdit(request, body.video_ids, (found) => toMerge(body, found, deps.config.MAX_DURATION_SEC));
  },
});

const listEdits = defineRoute({
  method: 'get',
  path: '/v1/edits',
  operationId: 'listEdits',
  tag: TAG,
  summary: 'List edits, newest first',
  scope: 'read',
  query: z.strictObject({ ...pageFields, status: z.enum(EDIT_STATUSES).optional() }),
  responses: { 200: { description: 'One page', schema: listOf(editSchema) } },
  handler: async ({ deps, user, query }) => {
    const page = toPage(query);
    const rows = await deps.db.edits.list(user.id, query.status, page);
    return { status: 200, body: toList(rows, page, toEditView) };
  },
});

const getEdit = defineRoute({
  method: 'get',
  path: '/v1/edits/:id',
  operationId: 'getEdit',
  tag: TAG,
  summary: 'How far an edit is, and what became of it',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The edit', schema: editSchema } },
  handler: async (request) => ({
    status: 200,
    body: toEditView(await findEdit(request, request.params.id)),
  }),
});

interface IntentOptions<Result> {
  id: string;
  /** Writes the wish, if the state of the edit allows it. */
  decide: (queries: Queries) => Promise<EditIntent<Result>>;
  refusal: () => HttpProblem;
  tell: (intent: Extract<EditIntent<Result>, { outcome: 'accepted' }>) => Promise<void>;
}

/** Decides a wish in the database, together with the answer that is kept, and tells the engine. */
async function answerIntent<Result>(
  request: RouteRequest,
  { id, decide, refusal, tell }: IntentOptions<Result>,
): Promise<Reply> {
  const { user, idempotency } = request;
  let tellNow = async (): Promise<void> => {};
  const reply = await idempotency.commit(async (queries) => {
    const intent = await decide(queries);
    if (intent.outcome === 'not_possible') throw refusal();
    const edit = intent.outcome === 'accepted' ? await queries.edits.find(user.id, id) : null;
    if (intent.outcome !== 'accepted' || !edit) throw notFound();
    tellNow = () => tell(intent);
    return toAccepted(request, edit);
  });
  // Not waited for: it is decided already, and the reconciler tells an engine that is away.
  void tellNow();
  return reply;
}

const cancelEdit = defineRoute({
  method: 'post',
  path: '/v1/edits/:id/cancel',
  operationId: 'cancelEdit',
  tag: TAG,
  summary: 'Stop an edit; what it made so far is removed, also a new video that is not ready yet',
  scope: 'write',
  params: idParams,
  responses: {
    ...accepted,
    409: {
      description:
        '`not_cancellable`: it has ended; `in_use`: posts of its result are not over, which `errors` names',
    },
  },
  poll: pollEdit,
  handler: (request) => {
    const { deps, user, params } = request;
    return answerIntent(request, {
      id: params.id,
      decide: ({ edits }) => edits.requestCancel(user.id, params.id),
      refusal: () => new HttpProblem('not_cancellable', 'The edit has ended'),
      tell: async ({ runs, result }) => {
        await deps.flows.cancelEdit(params.id, runs);
        if (result) await deps.flows.startRemoval(result.videoId, user.id);
      },
    });
  },
});

const retryEdit = defineRoute({
  method: 'post',
  path: '/v1/edits/:id/retry',
  operationId: 'retryEdit',
  tag: TAG,
  summary: 'Do again an edit that failed or was cancelled, keeping what is there',
  scope: 'write',
  params: idParams,
  responses: {
    ...accepted,
    409: {
      description: '`not_retryable`: it did not fail; `video_not_usable`: a video cannot be used any more',
    },
  },
  poll: pollEdit,
  handler: (request) => {
    const { ctx, deps, user, params } = request;
    const { requestId } = ctx.state;
    return answerIntent(request, {
      id: params.id,
      decide: (queries) => retryIfUsable(queries, user.id, params.id),
      refusal: () => new HttpProblem('not_retryable', 'The edit has neither failed nor been cancelled'),
      tell: async ({ runs: [run], result }) => {
        const [resultRun] = result?.runs ?? [];
        if (run !== undefined)
          await deps.flows.startEdit({ editId: params.id, userId: user.id, run, requestId });
        if (result && resultRun !== undefined)
          await deps.flows.startProcessing({
            videoId: result.videoId,
            userId: user.id,
            run: resultRun,
            requestId,
          });
      },
    });
  },
});

/** What has to be made again needs its videos. @throws HttpProblem `video_not_usable` */
async function retryIfUsable(
  { edits }: Queries,
  userId: string,
  id: string,
): Promise<EditIntent<RetriedResult>> {
  const intent = await edits.requestRetry(userId, id);
  if (intent.outcome !== 'accepted' || intent.result) return intent;
  const parents = await edits.findParents(userId, intent.edit.parents);
  if (parents.includes(null))
    throw new HttpProblem('video_not_usable', 'A video that it was to be made of is deleted');
  assertUsable(parents.filter((parent) => parent !== null));
  return intent;
}

/** `merge` comes before what takes any id in its place. */
export const editRoutes: readonly Route[] = [
  mergeVideos,
  trimVideo,
  listEdits,
  getEdit,
  cancelEdit,
  retryEdit,
];
