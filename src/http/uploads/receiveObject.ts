import { createHash, type Hash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { SNIFF_BYTES, SOUND_CONTAINERS, sniffContainer } from '../../domain/containerSniff.ts';
import type { ObjectWriter, Storage } from '../../storage/storage.ts';
import { HttpProblem } from '../problem.ts';
import { tooLarge } from './bodyChunks.ts';
import type { ChunkMemory } from './chunkMemory.ts';
import { type Patience, untilTakenUp } from './takingUp.ts';

/** A file that arrived whole and is not visible yet: either commit or abort its writer. */
export interface ReceivedFile {
  writer: ObjectWriter;
  sizeBytes: number;
  /** SHA-256 in hex, when it was asked for. */
  sha256: string | null;
}

export interface ReceiveOptions extends Patience {
  storage: Storage;
  key: string;
  maxBytes: number;
  memory: ChunkMemory;
  /** Hashing halves the speed, so only where two uploads have to be compared. */
  isHashed: boolean;
}

/**
 * Streams a file into the storage. Its first bytes decide whether any of it is stored.
 *
 * @throws HttpProblem `empty_file`, `unsupported_media`, `too_large`; DiskFullError; StorageUnavailableError;
 *   and what the chunks throw. Nothing is left behind then.
 */
export async function receiveObject(
  chunks: AsyncIterable<Buffer>,
  { storage, key, maxBytes, memory, isHashed, ...patience }: ReceiveOptions,
): Promise<ReceivedFile> {
  const hash: Hash | null = isHashed ? createHash('sha256') : null;
  let writer: ObjectWriter | undefined;
  let sizeBytes = 0;
  try {
    for await (const chunk of withCheckedHead(chunks)) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      writer ??= await storage.createWriter(key);
      hash?.update(chunk);
      if (!writeChunk(writer.stream, chunk, memory)) await untilTakenUp(writer.stream, 'drain', patience);
    }
    if (!writer) throw new HttpProblem('empty_file');
    return { writer, sizeBytes, sha256: hash?.digest('hex') ?? null };
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}

/** Holds back the first bytes until they are enough to tell what they begin. */
async function* withCheckedHead(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < SNIFF_BYTES) continue;
    assertVideo(head);
    yield head;
    head = null;
  }
  if (!head || head.length === 0) return;
  assertVideo(head);
  yield head;
}

/** Judges the first bytes of a file. @throws HttpProblem `unsupported_media` */
export function assertVideo(head: Buffer): void {
  const container = sniffContainer(head.subarray(0, SNIFF_BYTES));
  if (!container) throw new HttpProblem('unsupported_media');
  if (SOUND_CONTAINERS.has(container)) {
    throw new HttpProblem('unsupported_media', 'This is a sound file; a video is needed');
  }
}

/** Says whether the stream wants more before it is drained. */
function writeChunk(stream: Writable, chunk: Buffer, memory: ChunkMemory): boolean {
  // An error that was told while nobody waited is not told again.
  if (stream.errored) throw stream.errored;
  return stream.write(chunk, (error) => {
    if (!error) memory.settle(chunk);
  });
}
