import { z } from 'zod';
import { UPLOAD_STATES, type UploadState } from '../../domain/upload.ts';
import { VIDEO_STATUSES } from '../../domain/video.ts';
import type { Client } from '../client.ts';
import { RefusedError, VideoFailedError } from '../failures.ts';
import { pause, type Retrying, withRetries } from '../retrying.ts';
import { formatSpan } from '../text.ts';
import type { UploadEntry } from './memory.ts';
import { UPLOADS_PATH } from './transfer.ts';
import type { FileUpload } from './uploadFile.ts';

const failureShape = z.object({ code: z.string(), message: z.string() });

/** What is used here of an upload's JSON. */
const uploadShape = z.object({
  video_id: z.string().nullable(),
  state: z.enum(UPLOAD_STATES),
  error: failureShape.nullable(),
});

const statusShape = z.object({
  status: z.enum(VIDEO_STATUSES),
  percent: z.number(),
  step: z.string().nullable(),
  error: failureShape.nullable(),
});

type VideoState = z.output<typeof statusShape>;

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 2_000;

/** How a job's requests are repeated: patiently, and telling why it does not go on. */
export const retriesOf = ({ patienceMs, signal, progress }: FileUpload): Retrying => ({
  patienceMs,
  signal,
  onPause: (error, pauseMs) => progress.say(`${error.message}; trying again in ${formatSpan(pauseMs)}`),
});

const MISSED_ENDS: readonly UploadState[] = ['refused', 'expired', 'terminated'];

/**
 * Asks what becomes of an upload whose bytes are all there, and keeps the id of its video.
 *
 * @throws VideoFailedError when it is over without a video
 */
export async function confirmUpload(job: FileUpload, entry: UploadEntry): Promise<void> {
  const path = `${UPLOADS_PATH}/${entry.uploadId}`;
  const upload = await withRetries(() => job.client.get(path, uploadShape), retriesOf(job));
  if (MISSED_ENDS.includes(upload.state)) {
    const { code, message } = upload.error ?? {
      code: `upload_${upload.state}`,
      message: `The upload was ${upload.state}`,
    };
    throw new VideoFailedError(code, message);
  }
  if (upload.video_id !== null) entry.note({ videoId: upload.video_id });
}

const readVideo = (client: Client, videoId: string) =>
  client.get(`/v1/videos/${videoId}/status`, statusShape);

/** Says whether a video has its bytes already. */
export async function isVideoBegun(client: Client, videoId: string | null): Promise<boolean> {
  if (videoId === null) return false;
  try {
    return (await readVideo(client, videoId)).status !== 'awaiting_upload';
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * Waits until the video is ready.
 *
 * @throws VideoFailedError when it ends otherwise; RefusedError, NotReachableError, InterruptedError
 */
export async function waitForVideo(job: FileUpload, entry: UploadEntry): Promise<void> {
  const { client, progress, signal } = job;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const state = await withRetries(() => readVideo(client, entry.videoId ?? ''), retriesOf(job)).catch(
      async (error: unknown) => {
        // Its upload says why there is no video.
        if (isMissing(error)) await confirmUpload(job, entry);
        throw error;
      },
    );
    if (state.status === 'ready') return;
    assertHopeful(state);
    if (state.status === 'awaiting_upload') await confirmUpload(job, entry);
    progress.process(state.percent, state.step);
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS);
  }
}

const isMissing = (error: unknown): boolean => error instanceof RefusedError && error.status === 404;

function assertHopeful({ status, error }: VideoState): void {
  if (status === 'cancelled') throw new VideoFailedError('cancelled', 'The processing was cancelled');
  if (status !== 'failed') return;
  throw new VideoFailedError(error?.code ?? 'failed', error?.message ?? 'The processing failed');
}
