import type { NewVideo } from '../../db/newVideo.ts';
import { DEFAULT_STEPS } from '../../domain/video.ts';
import { VideoflowError } from '../../errors.ts';
import { toVideoView } from '../../views/videos.ts';
import { authenticate, requireScope } from '../auth.ts';
import { createSignPath } from '../bytes/signedUrls.ts';
import type { Reply, RouteRequest } from '../route.ts';
import { quotaLimits } from './quotas.ts';
import type { ReceivedFile } from './receiveObject.ts';
import { toVideoEntry } from './videoEntry.ts';
import type { UploadFields } from './videoFields.ts';

/** A video whose bytes have arrived and are not yet anybody's. */
export interface ArrivedVideo {
  /** What it will be called, unless it fills a library entry. */
  id: string;
  sourceKey: string;
  file: ReceivedFile;
  fields: UploadFields;
  /** As sent. */
  filename: string | undefined;
}

/**
 * Turns received bytes into a video: first they are made durable, then the row and the answer are
 * committed together, then the engine is told. Whatever goes wrong before the commit leaves nothing.
 *
 * @throws HttpProblem `unauthorized`, `insufficient_scope`; ExternalIdTakenError; QuotaExceededError; HttpProblem of the Idempotency-Key; storage trouble
 */
export async function acceptVideo(request: RouteRequest, arrived: ArrivedVideo): Promise<Reply> {
  const { deps, idempotency, user } = request;
  const { writer, sha256 } = arrived.file;
  let isCommitting = false;
  try {
    const first = await idempotency.identify({ fields: arrived.fields, filename: arrived.filename, sha256 });
    if (first) {
      await writer.abort();
      return first;
    }
    await assertStillAllowed(request);
    await commitWhole(arrived.file);
    isCommitting = true;
    const reply = await idempotency.commit(async ({ videos, uploads }) => {
      await uploads.assertRoom(user.id, arrived.file.sizeBytes, quotaLimits(deps.config));
      const video = await videos.insert(toNewVideo(user.id, arrived));
      return {
        status: 202,
        headers: { Location: `${deps.config.PUBLIC_URL}/v1/videos/${video.id}` },
        body: toVideoView(video, createSignPath(deps.config)),
        storedBody: toVideoView(video, null),
        objectId: video.id,
      };
    });
    // Not waited for: a client need not know whether the engine is there; the reconciler starts what is not.
    void deps.flows.startProcessing({
      videoId: reply.objectId ?? arrived.id,
      userId: user.id,
      run: 1,
      requestId: request.ctx.state.requestId,
    });
    return reply;
  } catch (error) {
    // Only our own refusals certainly rolled back: a commit whose answer got lost may even happen later.
    if (!isCommitting || error instanceof VideoflowError) await drop(request, arrived);
    else request.log.warn({ err: error, video_id: arrived.id }, LEFT_TO_SWEEP);
    throw error;
  }
}

/** Sending may have taken hours, in which the token may have been revoked and its owner removed. */
async function assertStillAllowed({ ctx, deps }: RouteRequest): Promise<void> {
  requireScope(await authenticate(ctx, deps), 'write');
}

/** What is accepted must be what was received, to the byte. */
async function commitWhole({ writer, sizeBytes }: ReceivedFile): Promise<void> {
  const stored = await writer.commit();
  if (stored.sizeBytes === sizeBytes) return;
  throw new Error(`${sizeBytes} bytes were received but ${stored.sizeBytes} stored`);
}

const LEFT_TO_SWEEP = 'the bytes of an upload that was not accepted are left to the sweep';

async function drop({ deps, log }: RouteRequest, arrived: ArrivedVideo): Promise<void> {
  try {
    await arrived.file.writer.abort();
    await deps.storage.remove(arrived.sourceKey);
  } catch (error) {
    log.warn({ err: error, video_id: arrived.id }, LEFT_TO_SWEEP);
  }
}

function toNewVideo(userId: string, { id, sourceKey, file, fields, filename }: ArrivedVideo): NewVideo {
  return {
    id,
    userId,
    ...toVideoEntry(fields, filename),
    contentType: null,
    sourceKey,
    sourceSha256: file.sha256,
    sizeBytes: file.sizeBytes,
    optionalSteps: fields.process ?? [...DEFAULT_STEPS],
  };
}
