import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';
import type { Upload } from '../../db/entities/upload.ts';
import type { Lease } from '../../db/uploadLeases.ts';
import type { Log } from '../../log.ts';
import { isExpired } from '../../views/uploads.ts';
import { HttpProblem, invalidRequest, notFound } from '../problem.ts';
import type { RouteRequest } from '../route.ts';
import { readBodyChunks, tooLarge } from './bodyChunks.ts';
import { type ChunkMemory, createChunkMemory } from './chunkMemory.ts';
import { LeasedSegment, LeaseLostError } from './leasedSegment.ts';
import { watchConnection } from './takingUp.ts';
import { refuseMedia, tellEngine } from './tusEngine.ts';
import { openHead } from './tusHead.ts';
import type { ExpectedChecksum } from './tusProtocol.ts';

/** Longer than the lease of a process that died. */
const LEASE_WAIT_MS = 8000;
const LEASE_POLL_MS = 250;
const TICK_MS = 1000;
/** A client that was silent for so long gives way to another request for the same upload. */
const SILENT_MS = 2000;

export interface BodyFacts {
  offsetBytes: number;
  checksum: ExpectedChecksum | null;
  /** The length of an upload of which it was not known. */
  newLengthBytes: number | null;
}

/**
 * Gives the user's upload if bytes at the offset can be taken, now or when its lease is free.
 *
 * @throws HttpProblem `not_found`, `upload_gone`, `offset_conflict`
 */
export async function findWritable(
  { deps, user }: RouteRequest,
  id: string,
  offsetBytes: number,
): Promise<Upload> {
  const upload = await deps.db.uploads.find(user.id, id);
  if (upload?.protocol !== 'tus') throw notFound();
  assertNotGone(upload);
  if (upload.offsetBytes === offsetBytes) return upload;
  throw new HttpProblem('offset_conflict', undefined, {
    headers: { 'Upload-Offset': String(upload.offsetBytes) },
  });
}

/** @throws HttpProblem `upload_gone` */
export function assertNotGone(upload: Upload): void {
  if (isExpired(upload)) throw new HttpProblem('upload_gone', 'The upload has expired; begin a new one');
  if (upload.state === 'terminated')
    throw new HttpProblem('upload_gone', upload.errorMessage ?? 'The upload was ended; begin a new one');
}

/**
 * Appends the request's body to an upload, under a lease of its own. Whatever ends it early, what has arrived is
 * durable and counted before the lease is let go; only what has to be judged as a whole is dropped.
 *
 * @throws HttpProblem `upload_locked`, `offset_conflict`, `upload_gone`, `not_found`, `too_large`,
 *   `unsupported_media`, `checksum_mismatch`, `upload_aborted`, `invalid_request`; storage trouble
 */
export async function receiveBody(request: RouteRequest, upload: Upload, facts: BodyFacts): Promise<void> {
  const { deps } = request;
  const lease = await takeLease(request, upload.id, facts.offsetBytes);
  if (!lease) return;
  const memory = createChunkMemory();
  const segment = new LeasedSegment({
    db: deps.db,
    storage: deps.storage,
    lease,
    offsetBytes: facts.offsetBytes,
    expirySec: deps.config.UPLOAD_EXPIRY_SEC,
    onWritten: memory.settle,
  });
  try {
    if (facts.newLengthBytes !== null) await setLength(request, lease, facts.newLengthBytes);
    await drain(request, upload, { ...facts, segment, memory });
  } catch (error) {
    await keepWhatCame(request, segment, error);
    // All bytes may be here although the request broke.
    if (segment.state === 'complete') tellEngine(request, upload);
    if (error instanceof HttpProblem && error.code === 'unsupported_media')
      await refuseMedia(request, upload, error);
    throw error instanceof LeaseLostError ? await explainLoss(request, upload) : error;
  } finally {
    await letGo(request, segment, lease);
  }
}

/** Waits for the lease. @returns null when there is nothing left to be sent */
async function takeLease(
  request: RouteRequest,
  uploadId: string,
  offsetBytes: number,
): Promise<Lease | null> {
  const { uploadLeases } = request.deps.db;
  const holder = randomUUID();
  const gone = watchConnection(request.ctx.res);
  for (const deadline = Date.now() + LEASE_WAIT_MS; ; ) {
    const lease = await uploadLeases.take({ uploadId, holder, offsetBytes });
    if (lease) return lease;
    const upload = await findWritable(request, uploadId, offsetBytes);
    if (upload.state !== 'open') return null;
    gone.throwIfAborted();
    if (Date.now() > deadline) throw locked();
    await uploadLeases.want(uploadId);
    await delay(LEASE_POLL_MS);
  }
}

const locked = (): HttpProblem =>
  new HttpProblem('upload_locked', undefined, { headers: { 'Retry-After': '1' } });

/** @throws HttpProblem `invalid_request`; LeaseLostError */
async function setLength(request: RouteRequest, lease: Lease, lengthBytes: number): Promise<void> {
  const { uploadLeases } = request.deps.db;
  if (await uploadLeases.setLength(lease, lengthBytes)) return;
  if (!(await uploadLeases.renew(lease))) throw new LeaseLostError('The upload was taken over');
  throw invalidRequest([
    { path: 'Upload-Length', message: 'cannot be changed, nor be less than what is here' },
  ]);
}

interface Draining extends BodyFacts {
  segment: LeasedSegment;
  memory: ChunkMemory;
}

/** Takes the body up to its end. */
async function drain(request: RouteRequest, upload: Upload, draining: Draining): Promise<void> {
  const { ctx, deps, log } = request;
  const { segment, memory, checksum, offsetBytes } = draining;
  const lengthBytes = draining.newLengthBytes ?? upload.lengthBytes ?? null;
  const roomBytes = (lengthBytes ?? deps.config.MAX_UPLOAD_BYTES) - offsetBytes;
  const watch = watchOver(segment, ctx, log);
  try {
    let head = await openHead(deps, upload.id, offsetBytes);
    const hash = checksum && createHash(checksum.algorithm);
    if (!head && !hash) segment.beginCounting();
    let receivedBytes = 0;
    for await (const chunk of watch.follow(readBodyChunks(ctx.req, { memory, stop: watch.stop }))) {
      receivedBytes += chunk.length;
      if (receivedBytes > roomBytes) throw tooMuch(upload, deps.config.MAX_UPLOAD_BYTES);
      hash?.update(chunk);
      head?.taste(chunk);
      if (head?.isEnough && !hash) {
        head.judge();
        segment.beginCounting();
        head = null;
      }
      await segment.write(chunk);
    }
    // A checksum goes first: bytes that were damaged on their way say nothing about the file.
    if (hash && checksum && !hash.digest().equals(checksum.digest))
      throw new HttpProblem('checksum_mismatch');
    if (head?.isEnough || offsetBytes + receivedBytes === lengthBytes) head?.judge();
    segment.beginCounting();
    await segment.finish();
  } finally {
    watch.end();
  }
}

export const tooMuch = (
  upload: { lengthBytes?: number | null | undefined },
  maxBytes: number,
): HttpProblem =>
  (upload.lengthBytes ?? null) === null
    ? tooLarge(maxBytes)
    : new HttpProblem('too_large', `The body goes beyond the upload's length of ${upload.lengthBytes} bytes`);

/** Keeps the lease while a body is received, and ends the reading where a silent client holds others up. */
function watchOver(segment: LeasedSegment, ctx: Context, log: Log) {
  const stop = new AbortController();
  let waitingSince: number | null = null;
  let isTicking = false;
  const tick = async () => {
    if (isTicking) return;
    isTicking = true;
    await segment.tick().catch((error) => log.warn({ err: error }, 'a lease could not be renewed'));
    isTicking = false;
    const isSilent = waitingSince !== null && Date.now() - waitingSince >= SILENT_MS;
    if (!isSilent || !(segment.failure || segment.isWanted)) return;
    // Nobody reads the rest of the body any more.
    ctx.set('Connection', 'close');
    stop.abort(segment.failure ?? locked());
  };
  const timer = setInterval(tick, TICK_MS);
  async function* follow(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    waitingSince = Date.now();
    for await (const chunk of chunks) {
      waitingSince = null;
      yield chunk;
      waitingSince = Date.now();
    }
    waitingSince = null;
  }
  return { stop: stop.signal, follow, end: () => clearInterval(timer) };
}

async function keepWhatCame({ log }: RouteRequest, segment: LeasedSegment, error: unknown): Promise<void> {
  await segment.keepWhatCame().catch((trouble) => {
    // What ended the request is told by its answer.
    if (trouble !== error) log.warn({ err: trouble }, 'bytes that had arrived could not be counted');
  });
}

/** A lease that cannot be ended runs out. */
async function letGo({ deps, log }: RouteRequest, segment: LeasedSegment, lease: Lease): Promise<void> {
  await segment
    .close()
    .catch((error) => log.warn({ err: error }, 'the segment of an upload could not be closed well'));
  await deps.db.uploadLeases
    .release(lease)
    .catch((error) => log.warn({ err: error }, 'the lease of an upload is left to run out'));
}

/** Why the lease is lost: the upload has ended, or another request has taken over. */
async function explainLoss({ deps, user }: RouteRequest, { id }: Upload): Promise<HttpProblem> {
  const upload = await deps.db.uploads.find(user.id, id);
  if (!upload) return notFound();
  assertNotGone(upload);
  return locked();
}
