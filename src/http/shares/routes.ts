import { z } from 'zod';
import { hashHandle, makeHandle } from '../../secrets/shareHandle.ts';
import { shareFields, shareSchema, toShareView } from '../../views/shares.ts';
import { listOf, pageFields, toList, toPage } from '../pagination.ts';
import { idParams } from '../parse.ts';
import { notFound } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { findVideo } from '../videos.ts';
import { shareUrl } from './shareUrls.ts';

const TAG = 'Sharing';
const YEAR_SEC = 365 * 24 * 3600;
const MAX_VIEWS = 1_000_000_000;

const newShareView = z
  .strictObject({
    url: z.url().nullable().meta({ description: 'The page to send to people; shown this once only' }),
    download_url: z.url().nullable().meta({ description: 'Null where keeping the file is not allowed' }),
    secret_shown: z
      .literal(true)
      .optional()
      .meta({ description: 'Of a replay: the addresses were in the first answer, and are not kept here' }),
    ...shareFields,
  })
  .meta({ id: 'NewShare' });

const createShare = defineRoute({
  method: 'post',
  path: '/v1/videos/:id/shares',
  operationId: 'createShare',
  tag: TAG,
  summary: 'Make a link to a video that expires and can be taken back',
  description: [
    'Whoever has the link can watch, without a token. Only a hash of it is kept: a repetition with the same',
    '`Idempotency-Key` gives the share without its addresses.',
    'A view is one player, or one download, counted when it gets its first bytes; for two days it may seek, pause and go on.',
  ].join('\n'),
  scope: 'write',
  params: idParams,
  body: z.strictObject({
    expires_in: z
      .number()
      .int()
      .min(1)
      .max(YEAR_SEC)
      .meta({ description: 'Seconds, a year at most', examples: [86_400] }),
    max_views: z.number().int().min(1).max(MAX_VIEWS).nullable().optional(),
    allow_download: z.boolean().optional(),
  }),
  responses: { 201: { description: 'The share, with its addresses', schema: newShareView } },
  handler: async (request) => {
    const { body, deps, idempotency, params, user } = request;
    const handle = makeHandle();
    return idempotency.commit(async (queries) => {
      const video = await queries.videos.findProgress(user.id, params.id);
      if (!video) throw notFound();
      const share = await queries.shares.insert({
        userId: user.id,
        videoId: video.id,
        handleHash: hashHandle(handle),
        expiresAt: new Date(Date.now() + body.expires_in * 1000),
        maxViews: body.max_views ?? null,
        allowDownload: body.allow_download ?? false,
      });
      const view = toShareView(share);
      const url = shareUrl(deps.config, handle);
      const downloadUrl = share.allowDownload ? `${url}/download` : null;
      return {
        status: 201,
        body: { url, download_url: downloadUrl, ...view },
        storedBody: { url: null, download_url: null, secret_shown: true, ...view },
      };
    });
  },
});

const listShares = defineRoute({
  method: 'get',
  path: '/v1/videos/:id/shares',
  operationId: 'listShares',
  tag: TAG,
  summary: 'The links of a video, newest first',
  description: 'Those that have ended, too; never the addresses, which are not kept here.',
  scope: 'read',
  params: idParams,
  query: z.strictObject(pageFields),
  responses: { 200: { description: 'One page', schema: listOf(shareSchema) } },
  handler: async (request) => {
    const { deps, params, query, user } = request;
    const video = await findVideo(request, params.id);
    const page = toPage(query);
    const rows = await deps.db.shares.list(user.id, video.id, page);
    return { status: 200, body: toList(rows, page, toShareView) };
  },
});

const revokeShare = defineRoute({
  method: 'delete',
  path: '/v1/shares/:id',
  operationId: 'revokeShare',
  tag: TAG,
  summary: 'Take a link back',
  description: 'It is dead at once; players that are running are cut within five seconds.',
  scope: 'write',
  params: idParams,
  responses: { 204: { description: 'Taken back; repeating it changes nothing' } },
  handler: async ({ deps, params, user }) => {
    if (!(await deps.db.shares.revoke(user.id, params.id))) throw notFound();
    return { status: 204 };
  },
});

/** What the owner of a video does with its links. */
export const shareRoutes: readonly Route[] = [createShare, listShares, revokeShare];
