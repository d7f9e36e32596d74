import { z } from 'zod';
import type { ChunkPlace } from '../../db/chunkRefusals.ts';
import { newId } from '../../db/ids.ts';
import { SNIFF_BYTES } from '../../domain/containerSniff.ts';
import { videoSchema } from '../../views/videos.ts';
import { HttpProblem } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { pollVideo } from '../videos.ts';
import { discardRest } from './bodyChunks.ts';
import {
  type ChunkFields,
  chunkFields,
  MAX_CHUNKS,
  parseAllFields,
  parseFieldsSoFar,
  type SomeChunkFields,
} from './chunkFields.ts';
import { keepChunk, refuseFile, unlike } from './chunkKeeping.ts';
import { type ChunkMemory, createChunkMemory } from './chunkMemory.ts';
import { type ReceivedChunk, receiveChunk } from './chunkSegment.ts';
import { FORM_OVERHEAD_BYTES, receiveForm } from './multipart.ts';
import { assertBodyFits, assertRoomLeft } from './quotas.ts';
import { assertVideo } from './receiveObject.ts';
import { watchConnection } from './takingUp.ts';

const numbers = z.array(z.int().min(1).max(MAX_CHUNKS));
const progressSchema = z
  .strictObject({ received: numbers, missing: numbers })
  .meta({ id: 'ChunkProgress', description: 'The numbers of the chunks that are here, and of the others' });
const completedSchema = z
  .strictObject({ video: videoSchema })
  .meta({ id: 'ChunksCompleted', description: 'Every chunk is here: the video that they become' });

const formBody = {
  contentType: 'multipart/form-data',
  schema: chunkFields.extend({ chunk: z.string().meta({ format: 'binary' }) }),
};

const uploadChunk = defineRoute({
  method: 'post',
  path: '/v1/videos/chunks',
  operationId: 'uploadChunk',
  tag: 'Uploading',
  summary: 'Upload a video in numbered chunks',
  description:
    'A form with one chunk, its fields before or after it. Chunks may come in any order, in parallel, from ' +
    'several clients and more than once; the last one that was missing answers 202 with the video. Title and the ' +
    'like may be told with any chunk; `user_id` and `external_id` with the first that arrives, so best with each. ' +
    'For 24 hours afterwards the same `file_id` with the same bytes answers that video; other bytes begin anew.',
  scope: 'write',
  rawBody: true,
  requestBodies: [formBody],
  responses: {
    200: {
      description: 'Stored, or here before; with `Prefer: wait` the end of the processing',
      schema: z.union([progressSchema, completedSchema]),
    },
    202: {
      description: 'No chunk is missing any more; processing begins',
      schema: completedSchema,
      headers: { Location: 'The address of the video' },
    },
    400: { description: '`invalid_body`: the form breaks off; `upload_aborted`' },
    403: { description: '`insufficient_scope`; `quota_exceeded`: of bytes, or of unfinished uploads' },
    409: {
      description:
        '`chunk_conflict`: the number is here with other bytes; `external_id_taken`; `idempotency_in_progress`',
    },
    413: { description: '`too_large`: all chunks together' },
    415: {
      description:
        '`unsupported_media`: the first chunk does not begin as a video does, which ends the upload; ' +
        '`unsupported_media_type`',
    },
    422: {
      description:
        '`invalid_request`, also for another `total_chunks` than before, and for bytes that are not those of ' +
        '`chunk_sha256`; `empty_file`; `idempotency_key_reused`',
    },
    507: { description: '`storage_full`: see Retry-After' },
  },
  poll: async (request, id) => {
    const settled = await pollVideo(request, id);
    return settled && { ...settled, body: { video: settled.body } };
  },
  handler: async (request) => {
    const { req } = request.ctx;
    try {
      return await receiveOne(request);
    } catch (error) {
      // What was begun to be read takes care of its rest itself.
      if (!req.readableDidRead) discardRest(req);
      throw error;
    }
  },
});

async function receiveOne(request: RouteRequest): Promise<Reply> {
  const { ctx, deps } = request;
  if (!ctx.is('multipart/form-data'))
    throw new HttpProblem('unsupported_media_type', 'The body must be multipart/form-data');
  await assertBodyFits(request, { aroundBytes: FORM_OVERHEAD_BYTES });
  const way: Way = { memory: createChunkMemory(), gone: watchConnection(ctx.res) };
  const drop = (chunk: ReceivedChunk) => deps.storage.remove(chunk.segmentKey);
  const form = await receiveForm(ctx.req, {
    ...way,
    fileField: 'chunk',
    receive: async (bytes, soFar) => receiveBytes(request, bytes, { known: parseFieldsSoFar(soFar), ...way }),
    drop,
  });
  let fields: ChunkFields;
  try {
    fields = parseAllFields(form.fields);
    assertIntact(form.file, fields);
    await checkBeginning(request, form.file.head, fields);
  } catch (error) {
    await drop(form.file);
    throw error;
  }
  return keepChunk(request, form.file, fields);
}

interface Way {
  memory: ChunkMemory;
  gone: AbortSignal;
}

/** @param known the fields that came before the bytes: what they can refuse is refused now */
async function receiveBytes(
  request: RouteRequest,
  bytes: AsyncIterable<Buffer>,
  { known, ...way }: Way & { known: SomeChunkFields },
): Promise<ReceivedChunk> {
  return receiveChunk(bytes, {
    ...way,
    ...(await findPlace(request, known)),
    storage: request.deps.storage,
    number: known.chunk_number ?? 0,
    checkHead: async (head) => {
      // Bytes that were spoilt on their way must not end an upload, and the hash will tell whether they are.
      if (known.chunk_sha256 === undefined) await checkBeginning(request, head, known);
    },
  });
}

/**
 * Says where a chunk's bytes will lie and how many they may be, as far as is known before they come.
 *
 * @throws HttpProblem `invalid_request`; QuotaExceededError
 */
async function findPlace(
  request: RouteRequest,
  { file_id, chunk_number, total_chunks }: SomeChunkFields,
): Promise<{ place: ChunkPlace; maxBytes: number }> {
  const { deps, user } = request;
  const maxBytes = deps.config.MAX_UPLOAD_BYTES;
  const somewhere = { place: { uploadId: newId(), isNew: true }, maxBytes };
  if (file_id === undefined) return somewhere;
  const open = await deps.db.uploadChunks.findOpen(user.id, file_id);
  if (!open) {
    if (!(await deps.db.uploadChunks.isRemembered(user.id, file_id)))
      await assertRoomLeft(request, { aroundBytes: FORM_OVERHEAD_BYTES });
    return somewhere;
  }
  if ((total_chunks ?? open.totalChunks) !== open.totalChunks) throw unlike('total_chunks');
  const place = { uploadId: open.id, isNew: false };
  const isNumbered = chunk_number !== undefined;
  if (!isNumbered || (await deps.db.uploadChunks.hasChunk(open.id, chunk_number))) return { place, maxBytes };
  await assertRoomLeft(request, { aroundBytes: FORM_OVERHEAD_BYTES });
  return { place, maxBytes: maxBytes - open.offsetBytes };
}

/**
 * Refuses a first chunk that begins as no video does, and with it the whole file.
 *
 * @throws HttpProblem `unsupported_media`
 */
async function checkBeginning(
  request: RouteRequest,
  head: Buffer,
  { chunk_number, total_chunks, file_id }: SomeChunkFields,
): Promise<void> {
  // What a few bytes begin only those after them can tell, and the probe will.
  const isEnough = head.length >= SNIFF_BYTES || total_chunks === 1;
  if (chunk_number !== 1 || !isEnough) return;
  try {
    assertVideo(head);
  } catch (error) {
    if (file_id !== undefined) await refuseFile(request, file_id, error as HttpProblem);
    throw error;
  }
}

/** @throws HttpProblem `invalid_request` when the bytes are not those that were meant */
function assertIntact({ sha256 }: ReceivedChunk, { chunk_sha256 }: ChunkFields): void {
  if (chunk_sha256 === undefined || chunk_sha256.toLowerCase() === sha256) return;
  throw new HttpProblem('invalid_request', 'The chunk did not arrive as it was meant; send it again', {
    errors: [{ path: 'chunk_sha256', message: 'is not the SHA-256 of the bytes that arrived' }],
    retryable: true,
  });
}

export const chunkRoutes: readonly Route[] = [uploadChunk];
