import type { Client } from '../client.ts';
import { FileTroubleError, RefusedError, VideoFailedError } from '../failures.ts';
import { type NoteProgress, withRetries } from '../retrying.ts';
import { assertUnchanged, type LocalFile } from './localFile.ts';
import type { UploadEntry, UploadMemory } from './memory.ts';
import type { FileProgress } from './progress.ts';
import { transferOnce } from './transfer.ts';
import { confirmUpload, isVideoBegun, retriesOf, waitForVideo } from './video.ts';

export interface FileUpload {
  client: Client;
  memory: UploadMemory;
  file: LocalFile;
  /** Who uploads, as far as the server told. */
  user: string;
  metadata: Record<string, string>;
  isToWait: boolean;
  progress: FileProgress;
  patienceMs: number;
  signal: AbortSignal;
}

/** What is known of an upload so far, also of one that fails. */
export interface UploadFacts {
  uploadId: string | null;
  videoId: string | null;
  /** What the server had already when this call came to the file. */
  resumedFromBytes: number;
  /** What this call sent, repeats included. */
  sentBytes: number;
}

export const noFacts = (): UploadFacts => ({
  uploadId: null,
  videoId: null,
  resumedFromBytes: 0,
  sentBytes: 0,
});

/**
 * Uploads a file, going on where an earlier call left off, and waits for the video if that is wanted.
 * `facts` is filled as things become known.
 *
 * @throws RefusedError, NotReachableError, FileTroubleError, VideoFailedError, InterruptedError
 */
export async function uploadFile(job: FileUpload, facts: UploadFacts): Promise<void> {
  const { client, memory, user, metadata } = job;
  const { path, sizeBytes, mtimeMs } = job.file;
  const entry = memory.open({ server: client.url, user, path, sizeBytes, mtimeMs, metadata });
  try {
    await sendBytes(job, entry, facts);
    await assertUnchanged(job.file);
    await confirmUpload(job, entry);
    if (job.isToWait) await waitForVideo(job, entry);
  } catch (error) {
    if (isOver(error, entry)) entry.forget();
    throw error;
  } finally {
    facts.uploadId = entry.uploadId;
    facts.videoId = entry.videoId;
  }
  entry.forget();
}

/** Says whether going on with this upload later can bring nothing. */
function isOver(error: unknown, entry: UploadEntry): boolean {
  if (error instanceof VideoFailedError) return true;
  if (error instanceof FileTroubleError) return error.code === 'file_changed';
  if (!(error instanceof RefusedError) || error.isRetryable) return false;
  // For the same key the refusal would be given again, whatever has changed since; and what begins as no
  // video does has lost its upload.
  return entry.uploadId === null || error.status === 415;
}

/** As often may an upload be found gone within one attempt. */
const MAX_NEW_STARTS = 3;

async function sendBytes(job: FileUpload, entry: UploadEntry, facts: UploadFacts): Promise<void> {
  let isFromBefore = entry.uploadId !== null;
  let mostBytes = 0;
  const noteOffset = (offsetBytes: number, noteProgress: NoteProgress) => {
    if (isFromBefore) facts.resumedFromBytes = offsetBytes;
    isFromBefore = false;
    // Only what the server says that it has is progress: what was sent may be lost.
    if (offsetBytes > mostBytes) noteProgress();
    mostBytes = Math.max(mostBytes, offsetBytes);
    if (offsetBytes > 0) job.progress.resume(offsetBytes);
  };
  await withRetries(async (noteProgress) => {
    for (let newStarts = 0; ; newStarts += 1) {
      try {
        return await transferOnce({
          ...job,
          uploadId: entry.uploadId,
          creationKey: entry.creationKey,
          onCreated: entry.note,
          onOffset: (offsetBytes) => noteOffset(offsetBytes, noteProgress),
          onSent: (bytes) => {
            facts.sentBytes += bytes;
          },
          onProgress: job.progress.advance,
        });
      } catch (error) {
        if (!isGone(error, entry) || newStarts >= MAX_NEW_STARTS) throw error;
        if (await isVideoBegun(job.client, entry.videoId)) return;
        entry.renew();
        isFromBefore = false;
      }
    }
  }, retriesOf(job));
}

const isGone = (error: unknown, entry: UploadEntry): boolean =>
  entry.uploadId !== null && error instanceof RefusedError && [404, 410].includes(error.status);
