import type { IncomingHttpHeaders } from 'node:http';
import { readRetryAfter } from '../domain/retryAfter.ts';
import { SourceRefusedError, SourceTroubleError } from './errors.ts';
import type { Answer } from './follow.ts';

/** What the head of a whole file says of it. */
export interface FileHead {
  host: string;
  /** Null when the other side does not say. */
  totalBytes: number | null;
  contentType: string | null;
  /** For `If-Range`: what tells whether it is still the same file; null when nothing does for certain. */
  validator: string | null;
}

/** The part of a file that an answer claims to hold: first and last byte, and the length of the whole. */
export interface PartHead {
  start: number;
  end: number;
  totalBytes: number;
}

/** How long before its answer a file must have changed last for the second to tell its versions apart. */
const SETTLED_MS = 60_000;
const TRY_LATER = [408, 425, 429];
/** An address that anybody may give is not waited for as a service is that we chose ourselves. */
const LONGEST_RETRY_AFTER_MS = 15 * 60_000;

/**
 * Reads the head of an answer that should be a whole file.
 *
 * @throws SourceRefusedError; SourceTroubleError: the status says something else
 */
export function readFileHead({ response, host }: Answer): FileHead {
  const { statusCode: status = 0, headers } = response;
  if (status !== 200) throw toError(status, headers, host);
  assertIdentity(headers, host);
  return {
    host,
    totalBytes: lengthOf(headers),
    contentType: headers['content-type'] ?? null,
    validator: validatorOf(headers),
  };
}

/** Gives the part that a 206 claims to be; null when it does not say so in full. */
export function readPartHead({ response, host }: Answer): PartHead | null {
  const { headers } = response;
  assertIdentity(headers, host);
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '');
  if (!match) return null;
  const [start = 0, end = 0, totalBytes = 0] = match.slice(1).map(Number);
  const length = lengthOf(headers);
  const isSound = start <= end && end < totalBytes && (length === null || length === end - start + 1);
  return isSound ? { start, end, totalBytes } : null;
}

/** Whether a part certainly belongs to another version of the file. */
export function isOtherVersion(headers: IncomingHttpHeaders, validator: string): boolean {
  const named = validator.startsWith('"') ? headers.etag : headers['last-modified'];
  return named !== undefined && named !== validator;
}

const lengthOf = (headers: IncomingHttpHeaders): number | null =>
  headers['content-length'] === undefined ? null : Number(headers['content-length']);

/** What is packed may unpack to anything, and the packed bytes are no video. */
function assertIdentity(headers: IncomingHttpHeaders, host: string): void {
  const coding = headers['content-encoding'] ?? 'identity';
  const transfer = headers['transfer-encoding'] ?? 'chunked';
  if (coding.toLowerCase() === 'identity' && transfer.toLowerCase() === 'chunked') return;
  throw new SourceRefusedError(
    'source_bad_answer',
    `${host} sends the file compressed, although it was asked not to`,
  );
}

/** RFC 9110, 13.1.5: weak ones must not be used, and a date only when it is certainly a strong one. */
function validatorOf(headers: IncomingHttpHeaders): string | null {
  if (headers['accept-ranges']?.toLowerCase() === 'none') return null;
  if (headers.etag?.startsWith('"')) return headers.etag;
  const changed = headers['last-modified'];
  const ageMs = Date.parse(headers.date ?? '') - Date.parse(changed ?? '');
  return changed !== undefined && ageMs >= SETTLED_MS ? changed : null;
}

function toError(status: number, headers: IncomingHttpHeaders, host: string): Error {
  if (status >= 500 || TRY_LATER.includes(status)) {
    const retryAfterMs = readRetryAfter(headers['retry-after'], Date.now(), LONGEST_RETRY_AFTER_MS);
    return new SourceTroubleError('source_unavailable', `${host} answered ${status}`, { retryAfterMs });
  }
  if (status >= 400) return new SourceRefusedError('source_refused', `${host} answered ${status}`);
  return new SourceRefusedError('source_bad_answer', `${host} answered ${status} where a file was expected`);
}
