import { z } from 'zod';
import type { PostFilter } from '../../db/posts.ts';
import { POST_STATUSES } from '../../domain/post.ts';
import { postSchema, targetSchema, targetsOf, toPostView, toTargetView } from '../../views/posts.ts';
import { listOf, pageFields, toList, toPage } from '../pagination.ts';
import { idField, idParams, instantField } from '../parse.ts';
import { notFound } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { postChangeRoutes } from './change.ts';
import { postCreationRoutes } from './create.ts';
import { findPost, TAG } from './fields.ts';
import { postPreviewRoutes } from './preview.ts';

const listQuery = z.strictObject({
  ...pageFields,
  status: z
    .enum([...POST_STATUSES, 'pending'])
    .optional()
    .meta({ description: '`pending`: everything whose end is not known, `unknown` included' }),
  account_id: idField.optional(),
  video_id: idField.optional(),
  user_id: z.string().optional(),
  from: instantField
    .optional()
    .meta({ description: 'Of a calendar: those whose `scheduled_at` is this or later' }),
  to: instantField.optional().meta({ description: 'And those whose `scheduled_at` is earlier than this' }),
});

function toFilter({
  status,
  account_id,
  video_id,
  user_id,
  from,
  to,
}: z.output<typeof listQuery>): PostFilter {
  return {
    ...(status ? { status } : {}),
    ...(account_id === undefined ? {} : { accountId: account_id }),
    ...(video_id === undefined ? {} : { videoId: video_id }),
    ...(user_id === undefined ? {} : { userLabel: user_id }),
    ...(from === undefined ? {} : { dueFrom: new Date(from) }),
    ...(to === undefined ? {} : { dueBefore: new Date(to) }),
  };
}

const listPosts = defineRoute({
  method: 'get',
  path: '/v1/posts',
  operationId: 'listPosts',
  tag: TAG,
  summary: 'List posts, newest first',
  scope: 'read',
  query: listQuery,
  responses: { 200: { description: 'One page', schema: listOf(postSchema) } },
  handler: async ({ deps, user, query }) => {
    const page = toPage(query);
    const rows = await deps.db.posts.list(user.id, toFilter(query), page);
    return { status: 200, body: toList(rows, page, toPostView) };
  },
});

const getPost = defineRoute({
  method: 'get',
  path: '/v1/posts/:id',
  operationId: 'getPost',
  tag: TAG,
  summary: 'All about one post',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The post', schema: postSchema } },
  handler: async (request) => ({
    status: 200,
    body: toPostView(await findPost(request, request.params.id)),
  }),
});

const listTargets = defineRoute({
  method: 'get',
  path: '/v1/posts/:id/targets',
  operationId: 'listPostTargets',
  tag: TAG,
  summary: 'How a post stands on each of its platforms',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'All of them', schema: listOf(targetSchema) } },
  handler: async (request) => {
    const post = await findPost(request, request.params.id);
    return { status: 200, body: { data: targetsOf(post).map(toTargetView), next_cursor: null } };
  },
});

const cancelPost = defineRoute({
  method: 'delete',
  path: '/v1/posts/:id',
  operationId: 'cancelPost',
  tag: TAG,
  summary: 'Cancel a post; it stays in the list',
  description:
    'As long as nothing of it is about to leave. Its slot is free again. A post that is cancelled already is answered in the same way.',
  scope: 'publish',
  params: idParams,
  responses: {
    200: { description: 'The cancelled post', schema: postSchema },
    409: { description: '`too_late`: something of it is being sent or was sent, or it is over' },
  },
  handler: async ({ deps, user, params }) => {
    const post = await deps.db.posts.cancel(user.id, params.id);
    if (!post) throw notFound();
    return { status: 200, body: toPostView(post) };
  },
});

/** Posts; `preview` comes before what takes any id in its place. */
export const postRoutes: readonly Route[] = [
  ...postPreviewRoutes,
  ...postCreationRoutes,
  listPosts,
  getPost,
  listTargets,
  ...postChangeRoutes,
  cancelPost,
];
