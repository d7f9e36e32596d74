import { z } from 'zod';
import type { Video } from '../db/entities/video.ts';
import type { VideoFilter } from '../db/videos.ts';
import { VIDEO_STATUSES } from '../domain/video.ts';
import {
  stepSchema,
  toStatusView,
  toStepViews,
  toVideoView,
  videoSchema,
  videoStatusSchema,
} from '../views/videos.ts';
import { createSignPath } from './bytes/signedUrls.ts';
import { listOf, refineCursor, searchablePageFields, toList, toPage } from './pagination.ts';
import { forceField, idParams, instantField } from './parse.ts';
import { notFound } from './problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from './route.ts';
import { descriptionField, tagsField, titleField } from './uploads/videoFields.ts';
import { SEARCH_DESCRIPTION, searchField, searchVideos, videoListSchema } from './videoSearch.ts';

const TAG = 'Videos';

const SETTLED = ['ready', 'failed', 'cancelled'];

/** Gives a user's video. @throws HttpProblem `not_found` */
export async function findVideo({ deps, user }: RouteRequest, id: string): Promise<Video> {
  const video = await deps.db.videos.find(user.id, id);
  if (!video) throw notFound();
  return video;
}

/** Answers with a video as it is now. */
export const toVideoReply = ({ deps }: RouteRequest, video: Video, status = 200): Reply => ({
  status,
  body: toVideoView(video, createSignPath(deps.config)),
});

/** For `Prefer: wait` after an upload: the answer once the video has come to an end. */
export async function pollVideo(request: RouteRequest, id: string): Promise<Reply | null> {
  const video = await findVideo(request, id);
  return toVideoReply(request, video, SETTLED.includes(video.status) ? 200 : 202);
}

const filterFields = {
  status: z
    .enum(VIDEO_STATUSES)
    .optional()
    .meta({ description: '`awaiting_upload` is only listed if asked for' }),
  tag: z.string().optional(),
  user_id: z.string().optional(),
  external_id: z.string().optional(),
  created_after: instantField.optional(),
  created_before: instantField.optional(),
};
const listQuery = z
  .strictObject({ ...searchablePageFields, ...filterFields, q: searchField.optional() })
  .superRefine(refineCursor);

function toFilter(query: z.output<typeof listQuery>): VideoFilter {
  const { status, tag, user_id, external_id, created_after, created_before } = query;
  return {
    ...(status ? { status } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(user_id === undefined ? {} : { userLabel: user_id }),
    ...(external_id === undefined ? {} : { externalId: external_id }),
    ...(created_after ? { createdAfter: new Date(created_after) } : {}),
    ...(created_before ? { createdBefore: new Date(created_before) } : {}),
  };
}

const listVideos = defineRoute({
  method: 'get',
  path: '/v1/videos',
  operationId: 'listVideos',
  tag: TAG,
  summary: 'List videos, newest first, or search them, best first',
  description: SEARCH_DESCRIPTION,
  scope: 'read',
  query: listQuery,
  responses: { 200: { description: 'One page', schema: videoListSchema } },
  handler: async ({ deps, user, query }) => {
    if (query.q !== undefined) {
      const body = await searchVideos({ deps, user }, { ...query, q: query.q }, toFilter(query));
      return { status: 200, body };
    }
    const page = toPage(query);
    const rows = await deps.db.videos.list(user.id, toFilter(query), page);
    const sign = createSignPath(deps.config);
    return { status: 200, body: toList(rows, page, (video) => toVideoView(video, sign)) };
  },
});

const getVideo = defineRoute({
  method: 'get',
  path: '/v1/videos/:id',
  operationId: 'getVideo',
  tag: TAG,
  summary: 'All about one video',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The video', schema: videoSchema } },
  handler: async (request) => toVideoReply(request, await findVideo(request, request.params.id)),
});

const changeVideo = defineRoute({
  method: 'patch',
  path: '/v1/videos/:id',
  operationId: 'changeVideo',
  tag: TAG,
  summary: 'Change title, description or tags',
  scope: 'write',
  params: idParams,
  body: z.strictObject({
    title: titleField.optional(),
    description: descriptionField.nullable().optional(),
    tags: tagsField.optional(),
  }),
  responses: { 200: { description: 'The video as it is now', schema: videoSchema } },
  handler: async (request) => {
    const { deps, user, params, body } = request;
    // Only what was given: undefined would count as a value.
    const changes = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const video = await deps.db.videos.change(user.id, params.id, changes);
    if (!video) throw notFound();
    return toVideoReply(request, video);
  },
});

const deleteVideo = defineRoute({
  method: 'delete',
  path: '/v1/videos/:id',
  operationId: 'deleteVideo',
  tag: TAG,
  summary: 'Delete a video',
  description:
    'It is gone at once for everybody; its work is stopped and its files are removed behind the scenes. Posts of it that are not over keep it, unless they are cancelled with it.',
  scope: 'write',
  params: idParams,
  query: z.strictObject({ force: forceField }),
  responses: {
    202: {
      description: 'Gone; its files follow',
      schema: z.strictObject({ id: z.uuid(), deleted: z.literal(true) }),
    },
    409: {
      description:
        '`in_use`: posts of it are not over, which `errors` names; `too_late`: one of them can no longer be cancelled',
    },
  },
  handler: async ({ deps, user, params, query }) => {
    if (!(await deps.db.videos.requestDelete(user.id, params.id, query.force))) throw notFound();
    void deps.flows.startRemoval(params.id, user.id);
    return { status: 202, body: { id: params.id, deleted: true } };
  },
});

const getStatus = defineRoute({
  method: 'get',
  path: '/v1/videos/:id/status',
  operationId: 'getVideoStatus',
  tag: TAG,
  summary: 'How far a video is; cheap, for polling',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'Where it stands', schema: videoStatusSchema } },
  handler: async ({ deps, user, params }) => {
    const video = await deps.db.videos.findProgress(user.id, params.id);
    if (!video) throw notFound();
    return { status: 200, body: toStatusView(video) };
  },
});

const listSteps = defineRoute({
  method: 'get',
  path: '/v1/videos/:id/steps',
  operationId: 'listSteps',
  tag: TAG,
  summary: 'Each step of the processing, in the order of work',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'All steps', schema: listOf(stepSchema) } },
  handler: async ({ deps, user, params }) => {
    const video = await deps.db.videos.findProgress(user.id, params.id);
    if (!video) throw notFound();
    return { status: 200, body: { data: toStepViews(video), next_cursor: null } };
  },
});

export const videoRoutes: readonly Route[] = [
  listVideos,
  getVideo,
  changeVideo,
  deleteVideo,
  getStatus,
  listSteps,
];
