import { S3Client, type S3ServiceException } from '@aws-sdk/client-s3';
import type { S3Config } from '../config.ts';
import { DiskFullError, SourceMissingError, StorageUnavailableError, VideoflowError } from '../errors.ts';

const CONNECT_MS = 3000;
/** Readers hold a connection for as long as their own client takes. */
const MOST_CONNECTIONS = 512;
const ATTEMPTS = 3;

/** How long to wait for an answer: for one attempt, and for all that the SDK makes. */
interface Patience {
  attemptMs: number;
  totalMs: number;
}

/** For a request that carries little and asks little. */
const BRIEF: Patience = { attemptMs: 4000, totalMs: 10_000 };
/** For one that carries some MiB, over a slow line too, or that looks through many objects. */
export const BULKY: Patience = { attemptMs: 30_000, totalMs: 60_000 };
/** For one at which the store puts large parts together; some stores copy them. */
export const LENGTHY: Patience = { attemptMs: 120_000, totalMs: 120_000 };

export interface SendOptions {
  patience?: Patience;
  signal?: AbortSignal | undefined;
}

/** The part of the SDK's client that sends; it types each answer by its command. */
type SdkSend = S3Client['send'];

/** A bucket, and the way to ask for something in it. */
export interface Bucket {
  name: string;
  /** Tells buckets of the same name in different stores apart. */
  address: string;
  /**
   * Sends one command, tried again by the SDK within its time; for a body that is read later the time ends with the
   * headers. Throws the storage's own errors only.
   */
  send: SdkSend;
  /** The same with another patience, or until a signal. */
  sendWith(options: SendOptions): SdkSend;
}

/** Opens a bucket; nothing is asked of it yet. */
export function openBucket({ endpoint, region, bucket, credentials }: S3Config): Bucket {
  const client = new S3Client({
    region,
    maxAttempts: ATTEMPTS,
    // Names of buckets are names of hosts at AWS alone.
    ...(endpoint && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      throwOnRequestTimeout: true,
      // A reader that pauses is no trouble; what stalls is noticed where it is read.
      socketTimeout: 0,
      httpAgent: { keepAlive: true, maxSockets: MOST_CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: MOST_CONNECTIONS },
    },
  });
  const sendWith = ({ patience = BRIEF, signal }: SendOptions): SdkSend =>
    (async (command: Parameters<SdkSend>[0]) => {
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), patience.totalMs);
      try {
        return await client.send(command, {
          requestTimeout: patience.attemptMs,
          abortSignal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
        });
      } catch (error) {
        throw toS3Error(error);
      } finally {
        clearTimeout(timer);
      }
    }) as SdkSend;
  return { name: bucket, address: `${endpoint ?? region}/${bucket}`, send: sendWith({}), sendWith };
}

/** The multipart upload was completed or dropped already. */
export class UploadGoneError extends StorageUnavailableError {}

/** What stores call a full disk or a used-up allowance; 507 is WebDAV's, and some stores'. */
const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'ServiceQuotaExceeded']);
/** `NotFound` is what a HEAD, which has no body, is told. */
const MISSING = new Set(['NoSuchKey', 'NotFound']);

/** Translates what the SDK throws. */
export function toS3Error(error: unknown): VideoflowError {
  if (error instanceof VideoflowError) return error;
  const { name, $metadata } = (error ?? {}) as Partial<S3ServiceException>;
  const cause = summarize(error);
  if (MISSING.has(name ?? '')) return new SourceMissingError('The stored object is not there', { cause });
  if (name === 'NoSuchUpload')
    return new UploadGoneError('The storage forgot an unfinished object', { cause });
  if (FULL.has(name ?? '') || $metadata?.httpStatusCode === 507)
    return new DiskFullError(undefined, { cause });
  return new StorageUnavailableError('The storage cannot be read or written right now', { cause });
}

/** Answers repeat what was signed and by whom, and network errors name hosts: the log gets the kind alone. */
function summarize(error: unknown): Error {
  const { name, code, $metadata } = (error ?? {}) as Partial<S3ServiceException> & { code?: unknown };
  const facts = [name, code, $metadata?.httpStatusCode].filter((fact) => fact !== undefined);
  return new Error(`S3: ${facts.join(', ') || 'no answer'}`);
}
