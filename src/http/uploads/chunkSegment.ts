import { createHash, randomUUID } from 'node:crypto';
import type { ChunkPlace } from '../../db/chunkRefusals.ts';
import { SNIFF_BYTES } from '../../domain/containerSniff.ts';
import { uploadPrefix } from '../../domain/upload.ts';
import type { SegmentWriter, Storage } from '../../storage/storage.ts';
import { HttpProblem } from '../problem.ts';
import { tooLarge } from './bodyChunks.ts';
import type { ChunkMemory } from './chunkMemory.ts';
import { inPatience, type Patience } from './takingUp.ts';

/** A chunk whose bytes are durable, in a segment of its own. */
export interface ReceivedChunk {
  segmentKey: string;
  place: ChunkPlace;
  sizeBytes: number;
  /** SHA-256 in hex. */
  sha256: string;
  /** The first bytes, which tell what a file is. */
  head: Buffer;
}

export interface ReceiveChunkOptions extends Patience {
  storage: Storage;
  place: ChunkPlace;
  /** 0 when it is not known yet. */
  number: number;
  maxBytes: number;
  memory: ChunkMemory;
  /** Sees the first bytes as soon as they are here. @throws what refuses the chunk */
  checkHead: (head: Buffer) => Promise<void>;
}

/** Gives a key that was never used before. */
const newSegmentKey = ({ uploadId }: ChunkPlace, number: number): string =>
  `${uploadPrefix(uploadId)}${number}-${randomUUID()}/`;

/**
 * Streams a chunk into a segment of its own, no faster than the storage takes it.
 *
 * @throws HttpProblem `empty_file`, `too_large`; DiskFullError; StorageUnavailableError; what `checkHead` and the
 *   bytes throw. Nothing is left behind then.
 */
export async function receiveChunk(
  bytes: AsyncIterable<Buffer>,
  { storage, place, number, maxBytes, memory, checkHead, ...patience }: ReceiveChunkOptions,
): Promise<ReceivedChunk> {
  const segmentKey = newSegmentKey(place, number);
  const hash = createHash('sha256');
  const head = new Head(checkHead);
  let opening: Promise<SegmentWriter> | undefined;
  let sizeBytes = 0;
  try {
    for await (const piece of bytes) {
      sizeBytes += piece.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      await head.take(piece);
      opening ??= storage.createSegment(segmentKey);
      const written = (await inPatience(opening, patience)).write(piece);
      hash.update(piece);
      await inPatience(written, patience);
      memory.settle(piece);
    }
    if (!opening) throw new HttpProblem('empty_file');
    await head.end();
    await closeWhole(await opening, sizeBytes, patience);
    return { segmentKey, place, sizeBytes, sha256: hash.digest('hex'), head: head.bytes };
  } catch (error) {
    if (opening) await dropSegment(storage, segmentKey, opening);
    throw error;
  }
}

/**
 * Closes and removes a segment, also one that is opened only after nobody waited for it any more. Never rejects: why
 * it is dropped is what the client has to be told, and what is left of it goes with its upload or is swept.
 */
async function dropSegment(
  storage: Storage,
  segmentKey: string,
  opening: Promise<SegmentWriter>,
): Promise<void> {
  const dropped = opening
    .then((writer) => writer.close().catch(() => {}))
    .then(() => storage.remove(segmentKey));
  await inPatience(dropped, { gone: new AbortController().signal }).catch(() => {});
}

/** What counts must be what was received, to the byte. */
async function closeWhole(writer: SegmentWriter, sizeBytes: number, patience: Patience): Promise<void> {
  const durableBytes = await inPatience(writer.sync(), patience);
  await writer.close();
  if (durableBytes !== sizeBytes)
    throw new Error(`${sizeBytes} bytes were received but ${durableBytes} stored`);
}

/** Keeps a copy of the first bytes, and shows them once when there are enough, or no more to come. */
class Head {
  readonly #check: (head: Buffer) => Promise<void>;
  #bytes: Buffer = Buffer.alloc(0);
  #isChecked = false;

  constructor(check: (head: Buffer) => Promise<void>) {
    this.#check = check;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  async take(piece: Buffer): Promise<void> {
    if (this.#bytes.length < SNIFF_BYTES)
      this.#bytes = Buffer.concat([this.#bytes, piece.subarray(0, SNIFF_BYTES - this.#bytes.length)]);
    if (this.#bytes.length === SNIFF_BYTES) await this.end();
  }

  async end(): Promise<void> {
    if (this.#isChecked) return;
    this.#isChecked = true;
    await this.#check(this.#bytes);
  }
}

/**
 * Writes a chunk once more, below the upload that it turned out to belong to.
 *
 * @throws SourceMissingError when the first place was cleared meanwhile; DiskFullError; StorageUnavailableError
 */
export async function moveChunk(
  storage: Storage,
  chunk: ReceivedChunk,
  { place, number }: { place: ChunkPlace; number: number },
): Promise<ReceivedChunk> {
  const segmentKey = newSegmentKey(place, number);
  const whole = `${chunk.segmentKey.slice(0, -1)}-whole`;
  let writer: SegmentWriter | undefined;
  try {
    await storage.join(whole, [{ key: chunk.segmentKey, sizeBytes: chunk.sizeBytes }]);
    writer = await storage.createSegment(segmentKey);
    for await (const piece of await storage.open(whole)) await writer.write(piece);
    const durableBytes = await writer.sync();
    if (durableBytes !== chunk.sizeBytes) throw new Error('a chunk was not moved as a whole');
  } catch (error) {
    // First closed: what is still on its way would be stored again.
    await writer?.close().catch(() => {});
    await storage.remove(segmentKey).catch(() => {});
    throw error;
  } finally {
    await writer?.close();
    await storage.remove(whole);
  }
  await storage.remove(chunk.segmentKey);
  return { ...chunk, segmentKey, place };
}
