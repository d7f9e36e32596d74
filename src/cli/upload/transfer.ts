import { DetailedError, Upload } from 'tus-js-client';
import { z } from 'zod';
import type { Client } from '../client.ts';
import { notReachable } from '../client.ts';
import { InterruptedError, NotReachableError } from '../failures.ts';
import { toRefusal } from '../refusals.ts';
import { type ByteSource, createByteSource, type LocalFile } from './localFile.ts';

const createdShape = z.object({ video_id: z.string() });

export const UPLOADS_PATH = '/v1/uploads';

/** A connection over which nothing goes for so long is dead, whatever it says of itself. */
const STALL_MS = 120_000;
const STALL_CHECK_MS = 1_000;

export interface Transfer {
  client: Client;
  file: LocalFile;
  metadata: Record<string, string>;
  /** The upload to go on with; without one it is created under this key. */
  uploadId: string | null;
  creationKey: string;
  signal: AbortSignal;
  /** The upload exists under this id from now on, and its video, if the server said so. */
  onCreated(created: { uploadId: string; videoId?: string }): void;
  /** The server holds so many bytes, as it says itself when there is something to go on with. */
  onOffset(offsetBytes: number): void;
  /** So many bytes of the file are on their way or there. */
  onProgress(doneBytes: number): void;
  /** So many more bytes were sent. */
  onSent(bytes: number): void;
}

/**
 * Sends what the server has not got yet, in one attempt: whoever calls decides about another one.
 *
 * @throws RefusedError, NotReachableError, FileTroubleError, InterruptedError
 */
export async function transferOnce(transfer: Transfer): Promise<void> {
  const { client, file, signal } = transfer;
  let upload: Upload | undefined;
  let source: ByteSource | undefined;
  let stallTimer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let lastSignAt = Date.now();
      const noteSign = () => {
        lastSignAt = Date.now();
      };
      source = createByteSource(file, reject);
      upload = createUpload(transfer, source, { resolve, reject, noteSign });
      stallTimer = setInterval(() => {
        if (Date.now() - lastSignAt > STALL_MS) reject(new NotReachableError(`${client.url} fell silent`));
      }, STALL_CHECK_MS);
      onAbort = () => reject(new InterruptedError());
      signal.addEventListener('abort', onAbort);
      upload.start();
    });
  } finally {
    clearInterval(stallTimer);
    if (onAbort) signal.removeEventListener('abort', onAbort);
    // Ends the request of an attempt that is over, and nothing more: the upload stays.
    await upload?.abort(false);
    source?.close();
  }
}

interface Outcome {
  resolve(): void;
  reject(error: Error): void;
  noteSign(): void;
}

function createUpload(transfer: Transfer, source: ByteSource, outcome: Outcome): Upload {
  const { client, metadata, uploadId, creationKey } = transfer;
  const { resolve, reject, noteSign } = outcome;
  const endpoint = client.url + UPLOADS_PATH;
  let doneBefore: number | undefined;
  let creationBody: string | undefined;
  const upload = new Upload(Buffer.alloc(0), {
    // Without an endpoint the client cannot make a second upload when it finds the first one not at once.
    ...(uploadId === null ? { endpoint } : { uploadUrl: `${endpoint}/${uploadId}` }),
    fileReader: { openFile: async () => source },
    headers: { ...client.headers },
    metadata,
    storeFingerprintForResuming: false,
    retryDelays: null,
    onBeforeRequest: (request) => {
      if (request.getMethod() === 'POST') request.setHeader('Idempotency-Key', creationKey);
    },
    onAfterResponse: (request, response) => {
      noteSign();
      if (request.getMethod() === 'POST') creationBody = response.getBody();
      if (request.getMethod() !== 'HEAD' || response.getStatus() >= 300) return;
      const offsetBytes = Number(response.getHeader('Upload-Offset'));
      if (Number.isInteger(offsetBytes)) transfer.onOffset(offsetBytes);
    },
    onUploadUrlAvailable: () => {
      if (creationBody === undefined) return;
      const id = idOf(upload.url ?? '');
      // Wherever the server thinks that it is, it is where it was reached, and the token goes nowhere else.
      upload.url = `${endpoint}/${id}`;
      transfer.onCreated({ uploadId: id, ...readVideoId(creationBody) });
    },
    onProgress: (doneBytes) => {
      noteSign();
      // The first one tells where this attempt begins.
      transfer.onSent(Math.max(0, doneBytes - (doneBefore ?? doneBytes)));
      doneBefore = Math.max(doneBytes, doneBefore ?? 0);
      transfer.onProgress(doneBytes);
    },
    onSuccess: resolve,
    onError: (error) => reject(toError(error, client.url)),
  });
  return upload;
}

const idOf = (uploadUrl: string): string => new URL(uploadUrl).pathname.split('/').at(-1) ?? '';

/** The protocol has no place for it; this server tells it in the body. */
function readVideoId(body: string): { videoId?: string } {
  try {
    const { video_id } = createdShape.parse(JSON.parse(body));
    return { videoId: video_id };
  } catch {
    return {};
  }
}

function toError(error: Error | DetailedError, url: string): Error {
  if (!(error instanceof DetailedError)) return error;
  const response = error.originalResponse;
  if (!response) return notReachable(url, error.causingError ?? error);
  const status = response.getStatus();
  return toRefusal({
    status,
    body: response.getBody(),
    header: (name) => response.getHeader(name),
    // The offset is not what we believed: the next attempt asks for it first.
    isRetryable: status === 409 && error.originalRequest.getMethod() === 'PATCH',
  });
}
