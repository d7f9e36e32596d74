import { z } from 'zod';
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
  state: z.string(),
  error: failureShape.nullable().optional(),
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

/** Asks which video an upload belongs to, and keeps it. A token that may only write is told nothing: null stays. */
export async function learnVideoId(job: FileUpload, entry: UploadEntry): Promise<void> {
  if (entry.videoId !== null) return;
  try {
    const { video_id } = await readUpload(job, entry);
    if (video_id !== null) entry.note({ videoId: video_id });
  } catch (error) {
    if (!(error instanceof RefusedError) || error.isRetryable || job.isToWait) throw error;
  }
}

const readUpload = (job: FileUpload, { uploadId }: UploadEntry) =>
  withRetries(() => job.client.get(`${UPLOADS_PATH}/${uploadId}`, uploadShape), retriesOf(job));

const readVideo = (client: Client, videoId: string) =>
  client.get(`/v1/videos/${videoId}/status`, statusShape);

/** Says whether a video has its bytes already. */
export async function isVideoBegun(client: Client, videoId: string | null): Promise<boolean> {
  if (videoId === null) return false;
  try {
    return (await readVideo(client, videoId)).status !== 'awaiting_upload';
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return false;
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
    const state = await withRetries(() => readVideo(client, entry.videoId ?? ''), retriesOf(job));
    if (state.status === 'ready') return;
    assertHopeful(state);
    if (state.status === 'awaiting_upload') await assertNotRefused(job, entry);
    progress.process(state.percent, state.step);
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS);
  }
}

function assertHopeful({ status, error }: VideoState): void {
  if (status === 'cancelled') throw new VideoFailedError('cancelled', 'The processing was cancelled');
  if (status !== 'failed') return;
  throw new VideoFailedError(error?.code ?? 'failed', error?.message ?? 'The processing failed');
}

/** The bytes are all there and the video does not have them yet: that may be refused, over a quota for example. */
async function assertNotRefused(job: FileUpload, entry: UploadEntry): Promise<void> {
  const { state, error } = await readUpload(job, entry);
  if (!['refused', 'expired', 'terminated'].includes(state)) return;
  throw new VideoFailedError(error?.code ?? `upload_${state}`, error?.message ?? `The upload was ${state}`);
}
