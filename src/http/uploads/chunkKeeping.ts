import { ChunkMisplacedError, UnlikeChunkError } from '../../db/chunkRefusals.ts';
import type { ChunkLimits, TakenChunk } from '../../db/uploadChunks.ts';
import { DEFAULT_STEPS } from '../../domain/video.ts';
import { SourceMissingError, VideoflowError } from '../../errors.ts';
import { toVideoView } from '../../views/videos.ts';
import { createSignPath } from '../bytes/signedUrls.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import type { Reply, RouteDeps, RouteRequest } from '../route.ts';
import { type ChunkFields, toChunkedFile } from './chunkFields.ts';
import { moveChunk, type ReceivedChunk } from './chunkSegment.ts';
import { quotaLimits } from './quotas.ts';

/** How often a chunk may turn out to belong to another upload: once for a race at the beginning, once at the end. */
const MOST_MOVES = 3;

const LEFT_TO_SWEEP = 'the bytes of a chunk that was not kept are left to the sweep';

/**
 * Makes a received chunk a part of its upload, commits that together with the answer, and then tells the engine.
 * Whatever goes wrong before the commit leaves nothing.
 *
 * @throws HttpProblem, also of the Idempotency-Key; ChunkConflictError; ChunksTooLargeError; QuotaExceededError;
 *   ExternalIdTakenError; storage trouble
 */
export async function keepChunk(
  request: RouteRequest,
  received: ReceivedChunk,
  fields: ChunkFields,
): Promise<Reply> {
  let chunk = received;
  let isCommitting = false;
  try {
    const first = await request.idempotency.identify({ fields, sha256: chunk.sha256 });
    if (first) {
      await drop(request, chunk);
      return first;
    }
    isCommitting = true;
    for (let moves = 0; ; moves += 1) {
      try {
        return await commitChunk(request, chunk, fields);
      } catch (error) {
        if (!(error instanceof ChunkMisplacedError) || moves === MOST_MOVES) throw error;
        const { place } = error;
        chunk = await moveChunk(request.deps.storage, chunk, { place, number: fields.chunk_number });
      }
    }
  } catch (error) {
    // Only our own refusals certainly rolled back: a commit whose answer got lost may even happen later.
    if (!isCommitting || error instanceof VideoflowError) await drop(request, chunk);
    else request.log.warn({ err: error, upload_id: chunk.place.uploadId }, LEFT_TO_SWEEP);
    throw toRefusal(error);
  }
}

async function commitChunk(request: RouteRequest, chunk: ReceivedChunk, fields: ChunkFields): Promise<Reply> {
  const { deps, idempotency, user } = request;
  const outcome: { taken?: TakenChunk } = {};
  const reply = await idempotency.commit(async ({ uploadChunks }) => {
    const taken = await uploadChunks.take(
      { ...chunk, number: fields.chunk_number },
      toChunkedFile(user.id, fields),
      chunkLimits(deps),
    );
    outcome.taken = taken;
    return toReply(taken, deps);
  });
  const { taken } = outcome;
  if (!taken?.isKept) await drop(request, chunk);
  if (taken?.isNews) tellEngine(request, { uploadId: taken.upload.id, videoId: taken.video.id });
  return reply;
}

/** Not waited for: a client need not know whether the engine is there; the reconciler tells it what it missed. */
function tellEngine(
  { ctx, deps, user }: RouteRequest,
  upload: { uploadId: string; videoId: string | null },
): void {
  void deps.flows.receiveUpload({ ...upload, userId: user.id, requestId: ctx.state.requestId });
}

const chunkLimits = ({ config }: RouteDeps): ChunkLimits => ({
  ...quotaLimits(config),
  maxUploadBytes: config.MAX_UPLOAD_BYTES,
  defaultSteps: DEFAULT_STEPS,
  expiresAt: new Date(Date.now() + config.UPLOAD_EXPIRY_SEC * 1000),
});

function toReply({ upload, video, received }: TakenChunk, { config }: RouteDeps): Reply {
  if (upload.state === 'open') {
    const here = new Set(received);
    const all = Array.from({ length: upload.totalChunks ?? 0 }, (_, index) => index + 1);
    return { status: 200, body: { received, missing: all.filter((number) => !here.has(number)) } };
  }
  return {
    status: 202,
    headers: { Location: `${config.PUBLIC_URL}/v1/videos/${video.id}` },
    body: { video: toVideoView(video, createSignPath(config)) },
    storedBody: { video: toVideoView(video, null) },
    objectId: video.id,
  };
}

/** A chunk that contradicts those before it. */
export const unlike = (field: UnlikeChunkError['field']): HttpProblem =>
  invalidRequest([{ path: field, message: 'is not what the chunks before said' }]);

function toRefusal(error: unknown): unknown {
  if (error instanceof UnlikeChunkError) return unlike(error.field);
  if (error instanceof ChunkMisplacedError || error instanceof SourceMissingError)
    return new HttpProblem('chunk_conflict', 'The upload ended while this chunk came; send it again', {
      retryable: true,
      cause: error,
    });
  return error;
}

async function drop({ deps, log }: RouteRequest, { segmentKey, place }: ReceivedChunk): Promise<void> {
  try {
    await deps.storage.remove(segmentKey);
  } catch (error) {
    log.warn({ err: error, upload_id: place.uploadId }, LEFT_TO_SWEEP);
  }
}

/** Ends the upload of a file that can never become a video. What is still to come of it begins a new one. */
export async function refuseFile(request: RouteRequest, fileId: string, reason: HttpProblem): Promise<void> {
  const { deps, log, user } = request;
  try {
    const refused = await deps.db.transaction(({ uploadChunks }) =>
      uploadChunks.refuse({ userId: user.id, clientFileId: fileId }, reason),
    );
    if (refused) tellEngine(request, { uploadId: refused.id, videoId: refused.video?.id ?? null });
  } catch (error) {
    // The refusal is true all the same; an upload that cannot be ended now runs out.
    log.warn({ err: error }, 'an upload that can never become a video could not be ended');
  }
}
