import { setTimeout as delay } from 'node:timers/promises';
import { SourceRefusedError, SourceTroubleError } from './errors.ts';
import { type Answer, followGet, type WayOut } from './follow.ts';
import { isOtherVersion, readFileHead, readPartHead } from './heads.ts';
import { createPace, interrupted, type Pace, readPaced } from './pace.ts';

/** Takes the bytes of a file. */
export interface Sink {
  /** The bytes come from the first one on; what was written before counts for nothing. */
  begin(file: IncomingFile): Promise<void>;
  /** Resolves when more may come; gives up waiting for that when the signal is aborted. */
  write(bytes: Buffer, signal: AbortSignal): Promise<void>;
}

export interface IncomingFile {
  /** Who sends it; all that may be said of the address. */
  host: string;
  /** Null when the other side does not say. */
  totalBytes: number | null;
  contentType: string | null;
}

export interface DownloadRequest {
  url: string;
  sink: Sink;
  maxBytes: number;
  /** For the whole, breaks included. */
  maxSec: number;
  minBytesPerSec: number;
  signal: AbortSignal;
}

export interface DownloadTimes {
  /** How long the speed is measured before it is judged. */
  windowMs: number;
  idleMs: number;
  /** Before going on after a break; doubled each time that nothing new came. */
  pauseMs: number;
}

/** Breaks in a row without a byte more than ever before. */
const MAX_FRUITLESS = 6;
const LONGEST_PAUSE_MS = 30_000;
/** So many bytes are asked for once more when a transfer goes on, to see whether they are the same. */
const OVERLAP_BYTES = 4096;

/** How far a transfer is. */
interface Progress {
  received: number;
  /** The most there ever was: what begins anew has to come further to count as progress. */
  furthest: number;
  totalBytes: number | null;
  /** Null when it can only begin anew. */
  validator: string | null;
  /** The last bytes that were received. */
  tail: Buffer;
}

interface Transfer extends DownloadRequest {
  way: WayOut;
  times: DownloadTimes;
  pace: Pace;
  progress: Progress;
}

/**
 * Fetches a file. When the transfer breaks off it goes on where it was, as long as the other side can prove that
 * the file is still the same, and else begins anew.
 *
 * @returns how many bytes it has
 * @throws AddressNotAllowedError; SourceRefusedError; SourceTroubleError; what the sink throws; what `signal` was
 *   aborted with
 */
export async function download(
  request: DownloadRequest,
  { way, times }: { way: WayOut; times: DownloadTimes },
): Promise<{ sizeBytes: number }> {
  const { maxSec, minBytesPerSec } = request;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tookTooLong(maxSec)), maxSec * 1000);
  const signal = AbortSignal.any([request.signal, late.signal]);
  const pace = createPace({ minBytesPerSec, ...times });
  const progress = { received: 0, furthest: 0, totalBytes: null, validator: null, tail: Buffer.alloc(0) };
  try {
    await transferAll({ ...request, signal, way, times, pace, progress });
    return { sizeBytes: progress.received };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

async function transferAll(transfer: Transfer): Promise<void> {
  const { progress, times, signal } = transfer;
  let fruitless = 0;
  for (;;) {
    const before = progress.furthest;
    const trouble = await transferSome(transfer);
    if (!trouble) return;
    fruitless = progress.furthest > before ? 1 : fruitless + 1;
    if (fruitless > MAX_FRUITLESS) throw trouble;
    const pauseMs = Math.max(times.pauseMs * 2 ** (fruitless - 1), trouble.retryAfterMs ?? 0);
    await delay(Math.min(pauseMs, LONGEST_PAUSE_MS), undefined, { signal });
  }
}

/** Goes on until the end. @returns why it broke off, where going on is worth a try; null when all is here */
async function transferSome(transfer: Transfer): Promise<SourceTroubleError | null> {
  try {
    await takeBody(transfer, await ask(transfer));
    return null;
  } catch (error) {
    transfer.signal.throwIfAborted();
    // Whoever sent nothing at all yet may take longer to come back than a transfer should wait.
    const isBreak = error instanceof SourceTroubleError && error.code !== 'source_too_slow';
    if (!isBreak || transfer.progress.furthest === 0) throw error;
    return error;
  }
}

/** Asks for the rest, or for all of it, and gives an answer that holds just that. */
async function ask(transfer: Transfer): Promise<Answer> {
  const { url, way, signal, progress } = transfer;
  const { validator } = progress;
  const from = progress.received - progress.tail.length;
  const headers: Record<string, string> =
    validator === null ? {} : { Range: `bytes=${from}-`, 'If-Range': validator };
  const answer = await followGet(url, { headers, signal }, way);
  try {
    const { statusCode } = answer.response;
    if (validator !== null && (statusCode === 206 || statusCode === 416)) {
      if (statusCode === 206 && isTheRest(answer, progress, from)) return answer;
      // It says that it can go on and does not: it is not asked to again.
      progress.validator = null;
      throw interrupted();
    }
    await beginAnew(transfer, answer);
    return answer;
  } catch (error) {
    answer.response.destroy();
    throw error;
  }
}

function isTheRest(answer: Answer, progress: Progress, from: number): boolean {
  const part = readPartHead(answer);
  if (!part || part.start !== from) return false;
  if (progress.validator !== null && isOtherVersion(answer.response.headers, progress.validator))
    return false;
  if (progress.totalBytes !== null && part.totalBytes !== progress.totalBytes) return false;
  progress.totalBytes = part.totalBytes;
  return true;
}

async function beginAnew({ progress, sink, maxBytes }: Transfer, answer: Answer): Promise<void> {
  const { validator, ...file } = readFileHead(answer);
  if ((file.totalBytes ?? 0) > maxBytes) throw tooLarge(maxBytes);
  Object.assign(progress, { received: 0, totalBytes: file.totalBytes, validator, tail: Buffer.alloc(0) });
  await sink.begin(file);
}

async function takeBody(
  { progress, sink, maxBytes, pace, times, signal }: Transfer,
  answer: Answer,
): Promise<void> {
  let overlap = progress.tail;
  for await (const chunk of readPaced(answer.response, pace, times)) {
    const again = chunk.subarray(0, overlap.length);
    if (!again.equals(overlap.subarray(0, again.length))) {
      progress.validator = null;
      throw interrupted();
    }
    overlap = overlap.subarray(again.length);
    const bytes = chunk.subarray(again.length);
    if (bytes.length === 0) continue;
    progress.received += bytes.length;
    if (progress.received > maxBytes) throw tooLarge(maxBytes);
    progress.furthest = Math.max(progress.furthest, progress.received);
    await sink.write(bytes, signal);
    progress.tail = keepTail(progress.tail, bytes);
  }
  const { received, totalBytes } = progress;
  if (totalBytes !== null && received < totalBytes) throw interrupted();
  if (!answer.sentTooMuch() && received === (totalBytes ?? received)) return;
  throw new SourceRefusedError('source_bad_answer', `${answer.host} sent more bytes than it had announced`);
}

/** A copy of its own, so that no large chunk is kept for its end. */
const keepTail = (tail: Buffer, bytes: Buffer): Buffer =>
  bytes.length >= OVERLAP_BYTES
    ? Buffer.from(bytes.subarray(-OVERLAP_BYTES))
    : Buffer.concat([tail, bytes]).subarray(-OVERLAP_BYTES);

const tooLarge = (maxBytes: number): SourceRefusedError =>
  new SourceRefusedError('too_large', `A video may have ${maxBytes} bytes at most`);

const tookTooLong = (maxSec: number): SourceRefusedError =>
  new SourceRefusedError('source_timeout', `The transfer was not done within ${maxSec} seconds`);
