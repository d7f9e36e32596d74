import type { Context } from 'koa';
import { z } from 'zod';
import { newId } from '../../db/ids.ts';
import { uploadSourceKey } from '../../domain/upload.ts';
import { videoSchema } from '../../views/videos.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { pollVideo } from '../videos.ts';
import { type ArrivedVideo, acceptVideo } from './acceptVideo.ts';
import { discardRest, readBodyChunks } from './bodyChunks.ts';
import { type ChunkMemory, createChunkMemory } from './chunkMemory.ts';
import { createFromJson, jsonFields } from './fromJson.ts';
import { FORM_OVERHEAD_BYTES, receiveForm } from './multipart.ts';
import { assertBodyFits, assertRoomLeft } from './quotas.ts';
import { type ReceivedFile, receiveObject } from './receiveObject.ts';
import { watchConnection } from './takingUp.ts';
import { parseForm, rawUploadFields, type UploadFields, uploadFields } from './videoFields.ts';

type RawFields = z.output<typeof rawUploadFields>;

const bytes = z.string().meta({ format: 'binary' });
const formBody = { contentType: 'multipart/form-data', schema: uploadFields.extend({ file: bytes }) };
const rawBody = { contentType: 'video/*', schema: bytes };
const jsonBody = { contentType: 'application/json', schema: jsonFields };

const uploadVideo = defineRoute({
  method: 'post',
  path: '/v1/videos',
  operationId: 'uploadVideo',
  tag: 'Uploading',
  summary: 'Upload a video, or say where it is to be fetched from',
  description:
    'Either a form with the part `file`, its fields before or after it, or the bytes themselves as the body with ' +
    'the fields in the address. Lists are a field several times, a JSON array, or words with commas. An ' +
    '`external_id` that names a video in `awaiting_upload` fills that one. A JSON body with a `url` has the file ' +
    'fetched from there, and one without makes a library entry, which waits for its bytes.',
  scope: 'write',
  rawBody: true,
  requestBodies: [formBody, rawBody, jsonBody],
  query: rawUploadFields,
  responses: {
    200: { description: 'The end of its processing, with `Prefer: wait`', schema: videoSchema },
    201: {
      description: 'A library entry in `awaiting_upload`: a JSON body without `url`',
      schema: videoSchema,
      headers: { Location: 'The address of the video' },
    },
    202: {
      description: 'Stored, or to be fetched; processing begins',
      schema: videoSchema,
      headers: { Location: 'The address of the video' },
    },
    400: { description: '`invalid_body`: the form breaks off; `upload_aborted`' },
    403: { description: '`insufficient_scope`; `quota_exceeded`: as many bytes are stored as may be' },
    409: { description: '`external_id_taken`; `idempotency_in_progress`: see Retry-After' },
    413: { description: '`too_large`' },
    415: {
      description: '`unsupported_media`: the first bytes are not those of a video; `unsupported_media_type`',
    },
    422: { description: '`invalid_request`; `empty_file`; `idempotency_key_reused`' },
    507: { description: '`storage_full`: see Retry-After' },
  },
  poll: pollVideo,
  handler: async (request) => {
    const { req } = request.ctx;
    try {
      return await receiveVideo(request);
    } catch (error) {
      // What was begun to be read takes care of its rest itself.
      if (!req.readableDidRead) discardRest(req);
      throw error;
    }
  },
});

async function receiveVideo(request: RouteRequest<unknown, RawFields>): Promise<Reply> {
  const { ctx } = request;
  if (ctx.is('json')) return createFromJson(request);
  if (ctx.request.length === 0) throw new HttpProblem('empty_file');
  assertWholeAndPlain(ctx);
  if (ctx.is('multipart/form-data')) return uploadForm(request);
  if (!ctx.get('Content-Type') || ctx.is('video/*', 'application/octet-stream')) return uploadRaw(request);
  throw new HttpProblem(
    'unsupported_media_type',
    'The body must be multipart/form-data, video/*, octets or JSON',
  );
}

/** Stored as they are, packed bytes would be no video, and a part of a file would be taken for all of it. */
function assertWholeAndPlain(ctx: Context): void {
  const encoding = ctx.get('Content-Encoding') || 'identity';
  if (encoding !== 'identity') {
    throw new HttpProblem('unsupported_media_type', 'The body must be sent without a Content-Encoding');
  }
  if (ctx.get('Content-Range')) {
    throw new HttpProblem(
      'invalid_body',
      'Parts of a file are taken at /v1/uploads and /v1/videos/chunks only',
    );
  }
}

async function uploadRaw(request: RouteRequest<unknown, RawFields>): Promise<Reply> {
  const { filename, ...fields } = request.query;
  const place = await prepare(request, 0);
  const file = await place.receive(readBodyChunks(request.ctx.req, place));
  return acceptVideo(request, { ...place.names, file, fields, filename });
}

async function uploadForm(request: RouteRequest<unknown, object>): Promise<Reply> {
  const strays = Object.keys(request.ctx.query);
  if (strays.length > 0) {
    throw invalidRequest(strays.map((path) => ({ path, message: 'belongs into the form' })));
  }
  const place = await prepare(request, FORM_OVERHEAD_BYTES);
  const form = await receiveForm(request.ctx.req, {
    fileField: 'file',
    ...place,
    receive: async (chunks, fields) => {
      parseForm(uploadFields, fields);
      return place.receive(chunks);
    },
    drop: ({ writer }) => writer.abort(),
  });
  let fields: UploadFields;
  try {
    fields = parseForm(uploadFields, form.fields);
  } catch (error) {
    await form.file.writer.abort();
    throw error;
  }
  return acceptVideo(request, { ...place.names, file: form.file, filename: form.filename, fields });
}

interface Place {
  names: Pick<ArrivedVideo, 'id' | 'sourceKey'>;
  memory: ChunkMemory;
  gone: AbortSignal;
  receive(chunks: AsyncIterable<Buffer>): Promise<ReceivedFile>;
}

/**
 * Makes room for a new video, if what is announced fits.
 *
 * @throws HttpProblem `too_large`; QuotaExceededError; DiskFullError
 */
async function prepare(request: RouteRequest, aroundBytes: number): Promise<Place> {
  const { ctx, deps } = request;
  await assertBodyFits(request, { aroundBytes });
  await assertRoomLeft(request, { aroundBytes });
  const { storage } = deps;
  const maxBytes = deps.config.MAX_UPLOAD_BYTES;
  const id = newId();
  const sourceKey = uploadSourceKey(id);
  const memory = createChunkMemory();
  const gone = watchConnection(ctx.res);
  const isHashed = ctx.get('Idempotency-Key') !== '';
  return {
    names: { id, sourceKey },
    memory,
    gone,
    receive: (chunks) => receiveObject(chunks, { storage, key: sourceKey, maxBytes, memory, gone, isHashed }),
  };
}

export const uploadRoutes: readonly Route[] = [uploadVideo];
