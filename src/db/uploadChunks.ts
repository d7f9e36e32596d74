import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { StepName } from '../domain/video.ts';
import {
  ChunkConflictError,
  ChunkMisplacedError,
  type ChunkPlace,
  ChunksTooLargeError,
  UnlikeChunkError,
} from './chunkRefusals.ts';
import { Upload } from './entities/upload.ts';
import { UploadSegment } from './entities/uploadSegment.ts';
import { Video } from './entities/video.ts';
import { tellUpload, tellVideo } from './events.ts';
import { newId } from './ids.ts';
import { describeEntry, type NewEntry } from './newVideo.ts';
import { indexVideo } from './searchIndex.ts';
import { type QuotaLimits, UploadQueries } from './uploads.ts';

/** A chunk whose bytes are durable in a segment that nobody else knows of. */
export interface StoredChunk {
  number: number;
  sizeBytes: number;
  sha256: string;
  segmentKey: string;
  place: ChunkPlace;
}

/** What a chunk says of the file that it is a part of. */
export interface ChunkedFile {
  userId: string;
  /** The client's own id of the file. */
  clientFileId: string;
  totalChunks: number;
  /** The steps wanted beside the core ones; null when the chunk does not say. */
  optionalSteps: StepName[] | null;
  entry: Omit<NewEntry, 'userId'>;
}

export interface ChunkLimits extends QuotaLimits {
  maxUploadBytes: number;
  /** The steps of a file whose chunks do not say. */
  defaultSteps: readonly StepName[];
  expiresAt: Date;
}

export interface TakenChunk {
  upload: Upload;
  video: Video;
  /** Whether the segment is a part of the upload now; one that is not may go. */
  isKept: boolean;
  /** Whether the engine has to hear of it: the upload is new, or complete. */
  isNews: boolean;
  /** The numbers that are here, in order. */
  received: number[];
}

interface Arrival {
  chunk: StoredChunk;
  file: ChunkedFile;
  limits: ChunkLimits;
  /** It is the first of its upload. */
  isNew: boolean;
}

/** For so long a file can be sent again, and is recognised. */
const REMEMBERED_MS = 24 * 3600 * 1000;

/** The chunks of files; `userId` is always the owner's, so another's upload is never found. */
export class UploadChunkQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** The open upload of a client's file, or null; a hint only, for it may end at any moment. */
  findOpen(userId: string, clientFileId: string): Promise<Upload | null> {
    const open = { user: userId, clientFileId, state: 'open' } as const;
    return this.#em.findOne(Upload, { ...open, video: { deletedAt: null } });
  }

  /** Whether an upload has a chunk of this number. */
  async hasChunk(uploadId: string, number: number): Promise<boolean> {
    return (await this.#em.count(UploadSegment, { upload: uploadId, number })) > 0;
  }

  /** Whether a chunk may be a repetition: a file of the same name came to its end lately. */
  async isRemembered(userId: string, clientFileId: string): Promise<boolean> {
    return (await this.#em.count(Upload, remembered(userId, clientFileId))) > 0;
  }

  /**
   * Makes a stored chunk a part of its upload, which begins with the first one that comes and is complete with the
   * last one that was missing. A chunk of an upload that was completed lately is recognised. Call it in a
   * transaction: the user's row is held until it ends, so that of two first chunks one makes the upload.
   *
   * @throws ChunkConflictError; UnlikeChunkError; ChunksTooLargeError; ChunkMisplacedError; QuotaExceededError;
   *   ExternalIdTakenError
   */
  async take(chunk: StoredChunk, file: ChunkedFile, limits: ChunkLimits): Promise<TakenChunk> {
    await new UploadQueries(this.#em).holdUser(file.userId);
    const open = await this.#holdOpen(file);
    if (open) return this.#add(open, { chunk, file, limits, isNew: false });
    const finished = await this.#findFinished(chunk, file);
    if (finished) return finished;
    const { uploadId: id, isNew } = chunk.place;
    // What lies below an upload that has ended goes with it.
    if (!isNew) throw new ChunkMisplacedError({ uploadId: newId(), isNew: true });
    const upload = await this.#create(id, file, limits);
    const taken = await this.#add(upload, { chunk, file, limits, isNew: true });
    return { ...taken, isNews: true };
  }

  /**
   * Ends the open upload of a file that can never become a video, for the reason given, unless its first chunk is
   * stored already. A video that was made for it goes: it is of no use, and its `external_id` is wanted again.
   * Call it in a transaction.
   *
   * @returns the upload, when it was ended
   */
  async refuse(
    { userId, clientFileId }: Pick<ChunkedFile, 'userId' | 'clientFileId'>,
    { code, message }: { code: string; message: string },
  ): Promise<Upload | null> {
    await new UploadQueries(this.#em).holdUser(userId);
    const upload = await this.#holdOpen({ userId, clientFileId });
    if (!upload || (await this.#em.count(UploadSegment, { upload, number: 1 })) > 0) return null;
    const ownVideoId = upload.hasOwnVideo ? upload.video?.id : undefined;
    this.#em.assign(upload, {
      state: 'refused',
      errorCode: code,
      errorMessage: message,
      endedAt: new Date(),
      ...(ownVideoId === undefined ? {} : { video: null }),
    });
    await tellUpload(this.#em, upload.id);
    if (ownVideoId !== undefined) await new UploadQueries(this.#em).eraseVideo(ownVideoId);
    return upload;
  }

  /** Ends an open upload whose video was deleted meanwhile: the file may begin anew. */
  async #holdOpen({
    userId,
    clientFileId,
  }: Pick<ChunkedFile, 'userId' | 'clientFileId'>): Promise<Upload | null> {
    const open = { user: userId, clientFileId, state: 'open' } as const;
    const upload = await this.#em.findOne(Upload, open, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!upload) return null;
    const video = await this.#em.findOne(Video, { id: upload.video?.id ?? null, deletedAt: null });
    if (video) return upload;
    this.#em.assign(upload, { state: 'terminated', endedAt: new Date() });
    await tellUpload(this.#em, upload.id);
    return null;
  }

  /** The finished upload that had this very chunk, with its video. */
  async #findFinished(chunk: StoredChunk, file: ChunkedFile): Promise<TakenChunk | null> {
    const { number, sizeBytes, sha256 } = chunk;
    const upload = await this.#em.findOne(
      Upload,
      {
        ...remembered(file.userId, file.clientFileId),
        totalChunks: file.totalChunks,
        segments: { number, sizeBytes, sha256 },
      },
      { orderBy: { createdAt: 'desc' } },
    );
    if (!upload) return null;
    return { upload, video: await this.#videoOf(upload), isKept: false, isNews: false, received: [] };
  }

  #create(id: string, file: ChunkedFile, limits: ChunkLimits): Promise<Upload> {
    const { userId, clientFileId, totalChunks, optionalSteps, entry } = file;
    return new UploadQueries(this.#em).insert(
      {
        id,
        userId,
        protocol: 'chunks',
        lengthBytes: null,
        metadata: null,
        optionalSteps: optionalSteps ?? [...limits.defaultSteps],
        expiresAt: limits.expiresAt,
        clientFileId,
        totalChunks,
        video: entry,
      },
      limits,
    );
  }

  async #add(upload: Upload, { chunk, file, limits, isNew }: Arrival): Promise<TakenChunk> {
    const video = await this.#videoOf(upload);
    assertAlike(upload, video, file);
    const isKept = !(await this.#isThere(upload, chunk));
    if (isKept) await this.#insert(upload, chunk, limits);
    upload.expiresAt = limits.expiresAt;
    if (file.optionalSteps) upload.optionalSteps = file.optionalSteps;
    const isFoundOtherwise = describeEntry(video, { ...file.entry, filename: null });
    await this.#em.flush();
    if (isNew) await tellUpload(this.#em, upload.id);
    if (isFoundOtherwise) {
      await indexVideo(this.#em, video.id);
      await tellVideo(this.#em, video.id, 'video.updated');
    }
    const received = await this.#listNumbers(upload.id);
    const isComplete = received.length === upload.totalChunks;
    if (isComplete) {
      this.#em.assign(upload, {
        state: 'complete',
        completedAt: new Date(),
        lengthBytes: upload.offsetBytes,
      });
      await tellUpload(this.#em, upload.id);
    }
    return { upload, video, isKept, isNews: isComplete, received };
  }

  /** @throws ChunkConflictError */
  async #isThere(upload: Upload, { number, sizeBytes, sha256 }: StoredChunk): Promise<boolean> {
    const earlier = await this.#em.findOne(UploadSegment, { upload, number });
    if (earlier && (earlier.sha256 !== sha256 || earlier.sizeBytes !== sizeBytes))
      throw new ChunkConflictError(`Chunk ${number} is here already, with other bytes`);
    return earlier !== null;
  }

  async #insert(upload: Upload, chunk: StoredChunk, limits: ChunkLimits): Promise<void> {
    const { number, sizeBytes, sha256, segmentKey } = chunk;
    if (chunk.place.uploadId !== upload.id)
      throw new ChunkMisplacedError({ uploadId: upload.id, isNew: false });
    if (upload.offsetBytes + sizeBytes > limits.maxUploadBytes)
      throw new ChunksTooLargeError(`A video may have ${limits.maxUploadBytes} bytes at most`);
    await new UploadQueries(this.#em).assertRoom(upload.user.id, sizeBytes, limits);
    const row = { upload, number, sizeBytes, sha256, key: segmentKey };
    this.#em.create(UploadSegment, row as RequiredEntityData<UploadSegment>);
    upload.offsetBytes += sizeBytes;
  }

  #videoOf(upload: Upload): Promise<Video> {
    return this.#em.findOneOrFail(Video, upload.video?.id ?? '', { populate: ['steps', 'assets'] });
  }

  async #listNumbers(uploadId: string): Promise<number[]> {
    const rows = await this.#em.execute<{ number: number }[]>(
      'select number from upload_segments where upload_id = ? order by number',
      [uploadId],
    );
    return rows.map(({ number }) => number);
  }
}

/** What finds the uploads whose chunks are still recognised. */
const remembered = (userId: string, clientFileId: string) => ({
  user: userId,
  clientFileId,
  state: { $in: ['complete' as const, 'accepted' as const] },
  $or: [{ endedAt: null }, { endedAt: { $gt: new Date(Date.now() - REMEMBERED_MS) } }],
  video: { deletedAt: null },
});

/** @throws UnlikeChunkError */
function assertAlike(upload: Upload, video: Video, { totalChunks, entry }: ChunkedFile): void {
  if (totalChunks !== upload.totalChunks) throw new UnlikeChunkError('total_chunks');
  // Most clients say it once only: what is not said is no contradiction.
  const { userLabel, externalId } = entry;
  if (userLabel !== null && userLabel !== (video.userLabel ?? null)) throw new UnlikeChunkError('user_id');
  if (externalId !== null && externalId !== (video.externalId ?? null))
    throw new UnlikeChunkError('external_id');
}
