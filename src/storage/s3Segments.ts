import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { SourceMissingError, StorageUnavailableError, type VideoflowError } from '../errors.ts';
import type { Log } from '../log.ts';
import { watchBody } from './s3Body.ts';
import { BULKY, type Bucket, toS3Error } from './s3Client.ts';
import { listObjects, removeObject } from './s3Listing.ts';
import type { JoinOptions, ObjectWriter, SegmentBytes, SegmentWriter } from './storage.ts';

/** What is in memory at most, twice: on its way, and gathering. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** A trailing piece that was synced is stored again, longer, until it has this; then a new one begins. */
const LASTING_BYTES = 1024 * 1024;

/**
 * A piece is named by where it begins in its segment and by its length, so that no name is ever used for other
 * bytes: a request that the store carries out late, after a newer one, takes nothing away.
 */
const pieceName = (start: number, length: number): string =>
  `${String(start).padStart(15, '0')}-${String(length).padStart(8, '0')}`;
const PIECE = /^(\d{15})-(\d{8})$/;

/** Writes a segment as a row of pieces. */
export function openS3Segment({ bucket, prefix, log }: SegmentPlace): SegmentWriter {
  let buffer: Buffer | undefined;
  let spare: Buffer | undefined;
  let start = 0;
  let filledBytes = 0;
  /** Of the piece that is being filled: as much as was stored of it, or is about to be. */
  let storedBytes = 0;
  let durableBytes = 0;
  let inFlight: Promise<void> = Promise.resolve();
  let failure: VideoflowError | undefined;
  let isClosed = false;

  const assertUsable = () => {
    if (failure) throw failure;
    if (isClosed) throw new StorageUnavailableError('The segment is closed');
  };
  const put = async (piece: { start: number; bytes: Buffer; formerBytes: number }): Promise<void> => {
    const key = prefix + pieceName(piece.start, piece.bytes.length);
    const send = bucket.sendWith({ patience: BULKY });
    await send(new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: piece.bytes }));
    durableBytes = piece.start + piece.bytes.length;
    if (piece.formerBytes === 0) return;
    // Only room is lost when it stays: it goes with the segment.
    await removeObject(bucket, prefix + pieceName(piece.start, piece.formerBytes)).catch((error) =>
      log.debug({ err: error }, 'a shorter piece could not be removed'),
    );
  };
  /** Sends off what has gathered of the piece, after what is on its way; what follows an error is never sent. */
  const ship = (): void => {
    if (!buffer || filledBytes === storedBytes) return;
    const piece = { start, bytes: buffer.subarray(0, filledBytes), formerBytes: storedBytes };
    storedBytes = filledBytes;
    inFlight = inFlight.then(() => put(piece));
    if (filledBytes >= LASTING_BYTES) beginPiece();
    inFlight.catch((error) => {
      failure ??= toS3Error(error);
    });
  };
  /** Leaves the piece to what is on its way, and takes up its memory again when that has arrived. */
  const beginPiece = (): void => {
    const left = buffer;
    inFlight = inFlight.then(() => {
      spare = left;
    });
    [start, filledBytes, storedBytes] = [start + filledBytes, 0, 0];
    [buffer, spare] = [spare, undefined];
  };
  const settle = async (): Promise<void> => {
    await inFlight.catch((error) => {
      throw toS3Error(error);
    });
  };

  return {
    write: async (bytes) => {
      assertUsable();
      for (let taken = 0; taken < bytes.length; ) {
        buffer ??= Buffer.allocUnsafe(PIECE_BYTES);
        const copied = bytes.copy(buffer, filledBytes, taken);
        taken += copied;
        filledBytes += copied;
        if (filledBytes < PIECE_BYTES) continue;
        await settle();
        ship();
      }
    },
    sync: async () => {
      assertUsable();
      const sizeBytes = start + filledBytes;
      ship();
      await settle();
      return Math.min(sizeBytes, durableBytes);
    },
    close: async () => {
      isClosed = true;
      await inFlight.catch(() => {});
      buffer = undefined;
      spare = undefined;
    },
  };
}

export interface SegmentPlace {
  bucket: Bucket;
  /** The segment's key, which ends in `/`. */
  prefix: string;
  log: Log;
}

/** Bytes of one stored object, from its first one on. */
interface Share {
  key: string;
  sizeBytes: number;
  isWhole: boolean;
}

/** Streams the bytes of segments, in their order, into a writer, and makes them one object. */
export async function joinS3Segments(
  bucket: Bucket,
  segments: readonly SegmentBytes[],
  writer: ObjectWriter,
  { signal, onProgress }: JoinOptions = {},
): Promise<{ sizeBytes: number }> {
  try {
    const shares: Share[] = [];
    for (const segment of segments)
      if (segment.sizeBytes > 0) shares.push(...(await findShares(bucket, segment)));
    await pipeline(readShares(bucket, shares, onProgress), writer.stream, { signal });
    return await writer.commit();
  } catch (error) {
    await writer.abort();
    throw toS3Error(error);
  }
}

/** Finds the pieces that hold the first bytes of a segment. */
async function findShares(bucket: Bucket, { key: prefix, sizeBytes }: SegmentBytes): Promise<Share[]> {
  const longest = new Map<number, { key: string; length: number }>();
  for await (const { key, sizeBytes: length } of listObjects(bucket, prefix)) {
    const [, start] = PIECE.exec(key.slice(prefix.length)) ?? [];
    // In the order of their names the longer one of two comes later.
    if (start !== undefined) longest.set(Number(start), { key, length });
  }
  const shares: Share[] = [];
  let foundBytes = 0;
  while (foundBytes < sizeBytes) {
    const piece = longest.get(foundBytes);
    if (!piece) throw missing();
    const wanted = Math.min(piece.length, sizeBytes - foundBytes);
    shares.push({ key: piece.key, sizeBytes: wanted, isWhole: wanted === piece.length });
    foundBytes += wanted;
  }
  return shares;
}

/** Reads one share after the other; the next one is asked for while one is read. */
async function* readShares(
  bucket: Bucket,
  shares: readonly Share[],
  onProgress?: (writtenBytes: number) => void,
): AsyncGenerator<Buffer> {
  let readBytes = 0;
  let next = shares[0] && openShare(bucket, shares[0]);
  try {
    for (const [index, share] of shares.entries()) {
      const body = await (next as Promise<Readable>);
      const following = shares[index + 1];
      next = following && openShare(bucket, following);
      let shareBytes = 0;
      for await (const bytes of body) {
        yield bytes;
        shareBytes += bytes.length;
        onProgress?.(readBytes + shareBytes);
      }
      if (shareBytes !== share.sizeBytes) throw missing();
      readBytes += shareBytes;
    }
  } finally {
    void next?.then((body) => body.destroy()).catch(() => {});
  }
}

function openShare(bucket: Bucket, { key, sizeBytes, isWhole }: Share): Promise<Readable> {
  const Range = isWhole ? undefined : `bytes=0-${sizeBytes - 1}`;
  const opened = bucket
    .send(new GetObjectCommand({ Bucket: bucket.name, Key: key, Range }))
    .then(({ Body }) => watchBody(Body as Readable));
  // Looked at only when the one before is read to its end.
  opened.catch(() => {});
  return opened;
}

const missing = () => new SourceMissingError('Received bytes are no longer in the storage');
