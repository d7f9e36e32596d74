import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Upload } from '../../db/entities/upload.ts';
import type { Db } from '../../db/index.ts';
import { UPLOAD_STATES } from '../../domain/upload.ts';
import { toUploadView, uploadSchema } from '../../views/uploads.ts';
import { listOf, pageFields, toList, toPage } from '../pagination.ts';
import { idParams } from '../parse.ts';
import { HttpProblem, notFound } from '../problem.ts';
import { type DocumentedHeader, defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { discardRest } from './bodyChunks.ts';
import { appendToUpload } from './tusAppend.ts';
import { createUpload } from './tusCreate.ts';
import { tellEngine } from './tusEngine.ts';
import { uploadHeaders } from './tusHeaders.ts';
import { BODY_TYPE, TUS_VERSION } from './tusProtocol.ts';
import { assertNotGone } from './tusReceive.ts';

const TAG = 'Uploading';
const SETTLE_MS = 2000;
const SETTLE_POLL_MS = 100;

const bytes = { contentType: BODY_TYPE, schema: z.string().meta({ format: 'binary' }) };
const refusals = {
  400: { description: '`invalid_header`; `unsupported_checksum`; `upload_aborted`' },
  412: { description: '`tus_version`: see Tus-Version' },
  413: { description: '`too_large`' },
  415: {
    description: '`unsupported_media_type`; `unsupported_media`: the first bytes are not those of a video',
  },
  423: { description: '`upload_locked`: see Retry-After' },
  460: { description: '`checksum_mismatch`: nothing of the body counts' },
  507: { description: '`storage_full`: see Retry-After' },
};
const VERSION: DocumentedHeader = {
  name: 'Tus-Resumable',
  description: 'The version that is spoken',
  isRequired: true,
  example: TUS_VERSION,
};
const LENGTH = 'How many bytes there will be';
const checksum = {
  name: 'Upload-Checksum',
  description: '`sha1` or `sha256`, a space, and the digest of the body in Base64',
};
const progress = {
  'Upload-Offset': 'How many bytes are here',
  'Upload-Expires': 'How long it waits for more',
};

const createRoute = defineRoute({
  method: 'post',
  path: '/v1/uploads',
  operationId: 'createUpload',
  tag: TAG,
  summary: 'Begin an upload that can be resumed',
  description:
    'tus 1.0 with creation, creation-with-upload, creation-defer-length, expiration, termination and checksum; ' +
    'any tus client will do. `Upload-Metadata` takes `filename` (or `name`), `title`, `description`, `tags`, ' +
    '`user_id`, `external_id` and `process`; other keys are kept and given back. `OPTIONS` tells what is spoken.',
  scope: 'write',
  rawBody: true,
  headers: [
    VERSION,
    { name: 'Upload-Length', description: LENGTH, example: '1048576' },
    { name: 'Upload-Defer-Length', description: '`1` in place of a length that is not known yet' },
    { name: 'Upload-Metadata', description: 'Pairs of a key and a Base64 value' },
    checksum,
  ],
  requestBodies: [bytes],
  responses: {
    201: {
      description: 'Begun; the id of its video is known from now on',
      schema: uploadSchema,
      headers: { Location: 'Where the bytes go', ...progress },
    },
    409: { description: '`external_id_taken`; `idempotency_in_progress`: see Retry-After' },
    422: { description: '`invalid_request`; `empty_file`; `idempotency_key_reused`' },
    ...refusals,
  },
  handler: (request) => withRestDiscarded(request, () => createUpload(request)),
});

const getRoute = defineRoute({
  method: 'get',
  path: '/v1/uploads/:id',
  operationId: 'getUpload',
  tag: TAG,
  summary: 'How far an upload is',
  description:
    'HEAD is the one of tus: the same in headers, and 410 when the upload is over without its bytes.',
  scope: 'write',
  params: idParams,
  query: z.strictObject({}),
  responses: {
    200: {
      description: 'The upload',
      schema: uploadSchema,
      headers: {
        ...progress,
        'Upload-Length': LENGTH,
        'Upload-Metadata': 'As it was sent',
      },
    },
  },
  handler: async ({ deps, user, ctx, params }) => {
    if (ctx.method === 'HEAD') {
      const upload = await findSettled(deps.db, user.id, params.id);
      if (upload?.protocol !== 'tus') throw notFound();
      assertNotGone(upload);
      return { status: 200, headers: uploadHeaders(upload) };
    }
    const upload = await deps.db.uploads.find(user.id, params.id);
    if (!upload) throw notFound();
    return { status: 200, body: toUploadView(upload) };
  },
});

const listRoute = defineRoute({
  method: 'get',
  path: '/v1/uploads',
  operationId: 'listUploads',
  tag: TAG,
  summary: 'List uploads',
  description: 'Newest first; by tus and in chunks. Those that ended are forgotten after a week.',
  scope: 'write',
  query: z.strictObject({ ...pageFields, state: z.enum(UPLOAD_STATES).optional() }),
  responses: { 200: { description: 'A page of uploads', schema: listOf(uploadSchema) } },
  handler: async ({ deps, user, query }) => {
    const page = toPage(query);
    return {
      status: 200,
      body: toList(await deps.db.uploads.list(user.id, query.state, page), page, toUploadView),
    };
  },
});

const appendRoute = defineRoute({
  method: 'patch',
  path: '/v1/uploads/:id',
  operationId: 'appendToUpload',
  tag: TAG,
  summary: 'Send the next bytes of an upload',
  description:
    'The body goes to `Upload-Offset`, which must be where the upload stands. What arrived before a connection ' +
    'broke is kept, unless there is an `Upload-Checksum` over the whole body.',
  scope: 'write',
  rawBody: true,
  params: idParams,
  headers: [
    VERSION,
    { name: 'Upload-Offset', description: 'Where the body goes', isRequired: true, example: '0' },
    { name: 'Upload-Length', description: `${LENGTH}, where that was not known` },
    checksum,
  ],
  requestBodies: [bytes],
  responses: {
    204: { description: 'Here, durably', headers: progress },
    409: { description: '`offset_conflict`: see Upload-Offset' },
    410: { description: '`upload_gone`' },
    ...refusals,
  },
  handler: (request) => withRestDiscarded(request, () => appendToUpload(request)),
});

const deleteRoute = defineRoute({
  method: 'delete',
  path: '/v1/uploads/:id',
  operationId: 'terminateUpload',
  tag: TAG,
  summary: 'Take an upload back',
  description:
    'With its bytes, and the video that was begun for it. One that has become a video is deleted there.',
  scope: 'write',
  params: idParams,
  headers: [VERSION],
  query: z.strictObject({}),
  responses: {
    204: { description: 'Ended' },
    409: { description: '`not_possible`: the video has the bytes' },
    410: { description: '`upload_gone`' },
    412: refusals[412],
  },
  handler: async (request) => {
    const { deps, user, params } = request;
    const upload = await deps.db.uploads.find(user.id, params.id);
    if (upload?.protocol !== 'tus') throw notFound();
    assertNotGone(upload);
    if (!(await deps.db.uploads.terminate(user.id, params.id)))
      throw new HttpProblem('not_possible', 'The upload is over; delete its video instead');
    tellEngine(request, upload);
    return { status: 204 };
  },
});

/**
 * Gives an upload once nobody writes to it any more, or after a while. Whoever asks by HEAD has mostly lost its
 * connection, whose last bytes may still be on their way to the disk: what it sent on from an earlier offset
 * would meet a 409 and be sent in vain, 20 MiB at times (measured).
 */
async function findSettled(db: Db, userId: string, id: string): Promise<Upload | null> {
  for (const deadline = Date.now() + SETTLE_MS; ; await delay(SETTLE_POLL_MS)) {
    const upload = await db.uploads.find(userId, id);
    const isHeld = upload?.state === 'open' && (upload.leaseUntil?.getTime() ?? 0) > Date.now();
    if (!isHeld || Date.now() >= deadline) return upload;
  }
}

/** What was begun to be read takes care of its rest itself. */
async function withRestDiscarded(request: RouteRequest, work: () => Promise<Reply>): Promise<Reply> {
  const { req } = request.ctx;
  try {
    return await work();
  } finally {
    if (!req.readableDidRead) discardRest(req);
  }
}

export const tusRoutes: readonly Route[] = [createRoute, listRoute, getRoute, appendRoute, deleteRoute];
