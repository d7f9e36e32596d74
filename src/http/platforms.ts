import { z } from 'zod';
import { PLATFORMS } from '../domain/platform.ts';
import { platformSchema, toPlatformView } from '../views/platforms.ts';
import { listOf } from './pagination.ts';
import { defineRoute, type Route } from './route.ts';

/** All at once, and with nothing after them: there are not that many. */
const ALL_PLATFORMS = { data: PLATFORMS.map(toPlatformView), next_cursor: null };

const listPlatforms = defineRoute({
  method: 'get',
  path: '/v1/platforms',
  operationId: 'listPlatforms',
  tag: 'Platforms',
  summary: 'What each platform takes',
  description:
    'Of videos, texts and `params`, with where each limit comes from and when that was read. Posts are checked against it before they are taken: `POST /v1/posts/preview` tells of one what each platform would say.',
  scope: 'read',
  query: z.strictObject({}),
  responses: { 200: { description: 'All platforms', schema: listOf(platformSchema) } },
  handler: async () => ({ status: 200, body: ALL_PLATFORMS }),
});

export const platformRoutes: readonly Route[] = [listPlatforms];
