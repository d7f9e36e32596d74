import type { Db } from '../../db/index.ts';
import type { Lease } from '../../db/uploadLeases.ts';
import type { UploadState } from '../../domain/upload.ts';
import { StorageUnavailableError, VideoflowError } from '../../errors.ts';
import type { SegmentWriter, Storage } from '../../storage/storage.ts';
import { inPatience } from './takingUp.ts';

const MIB = 1024 * 1024;
/** Received bytes that wait for the storage to take them. */
const QUEUE_BYTES = MIB;
/** A checkpoint begins when so much is not durable yet … */
const CHECKPOINT_BYTES = 1.5 * MIB;
/** … and nothing more is taken when it is so much. With what sockets hold (up to 12 MiB were seen) it is sent again after a crash. */
const WINDOW_BYTES = 3 * MIB;

/** The lease was taken over, or the upload was ended, while bytes were on their way. */
export class LeaseLostError extends VideoflowError {
  readonly code = 'upload_locked';
}

export interface LeasedSegmentOptions {
  db: Pick<Db, 'uploadLeases'>;
  storage: Storage;
  lease: Lease;
  /** Where the segment begins in the upload. */
  offsetBytes: number;
  expirySec: number;
  /** Told of every chunk once it is written: its memory may be used again. */
  onWritten: (chunk: Buffer) => void;
}

/**
 * What one lease writes. Bytes go to the lease's own segment as they come; every so often they are made durable
 * and then, if the lease still holds, counted into the upload's offset. Receiving, writing and syncing overlap.
 */
export class LeasedSegment {
  readonly #options: LeasedSegmentOptions;
  readonly #neverGone = new AbortController().signal;
  #writer: Promise<SegmentWriter> | undefined;
  /** Writes under way, the oldest first; they go out one after the other. */
  #pending: Promise<void>[] = [];
  #queuedBytes = 0;
  #receivedBytes = 0;
  #countedBytes = 0;
  #checkpoint: Promise<void> | undefined;
  #failure: unknown;
  #isCounting = false;
  /** The database was asked to count bytes; whether it did is not known before it answers. */
  #isOffered = false;
  #isWanted = false;
  #state: UploadState = 'open';

  constructor(options: LeasedSegmentOptions) {
    this.#options = options;
  }

  /** Whether another request waits for the lease, as far as known. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** What went wrong behind the scenes; the next write throws it. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Of the upload, as far as this lease brought it. */
  get state(): UploadState {
    return this.#state;
  }

  /** Until it begins, all may still be refused. */
  get isCounting(): boolean {
    return this.#isCounting;
  }

  /** From now on what is durable counts. */
  beginCounting(): void {
    this.#isCounting = true;
  }

  /** Takes the next bytes; resolves when more may come. @throws what befell earlier ones */
  async write(chunk: Buffer): Promise<void> {
    this.#throwFailure();
    this.#receivedBytes += chunk.length;
    this.#queuedBytes += chunk.length;
    const before = this.#pending.at(-1) ?? Promise.resolve();
    const written = before.then(() => this.#writeNow(chunk));
    this.#pending.push(written);
    written.catch((error) => this.#fail(error));
    while (this.#queuedBytes > QUEUE_BYTES && !this.#failure) await this.#inTime(this.#pending[0]);
    if (this.#uncountedBytes() >= CHECKPOINT_BYTES) this.#beginCheckpoint();
    while (this.#uncountedBytes() >= WINDOW_BYTES && !this.#failure)
      await this.#inTime(this.#beginCheckpoint());
    this.#throwFailure();
  }

  /** Keeps the lease; to be called every second. Slow senders get their bytes counted by it. */
  async tick(): Promise<void> {
    if (this.#failure) return;
    if (!this.#checkpoint && this.#uncountedBytes() > 0) {
      this.#beginCheckpoint();
      return;
    }
    const { db, lease } = this.#options;
    const held = await db.uploadLeases.renew(lease);
    if (held) this.#isWanted = held.isWanted;
    // A checkpoint may have completed the upload meanwhile, and not have heard of it yet.
    else await this.#checkpoint;
    if (!held && this.#state === 'open') this.#fail(lost());
  }

  /** Makes everything that was received durable and counts it. */
  async finish(): Promise<void> {
    await this.#inTime(Promise.allSettled(this.#pending));
    this.#throwFailure();
    while (this.#uncountedBytes() > 0 && !this.#failure) await this.#inTime(this.#beginCheckpoint());
    this.#throwFailure();
  }

  /** After trouble: counts what is here all the same, as far as that is possible. */
  async keepWhatCame(): Promise<void> {
    await this.#inTime(Promise.allSettled([...this.#pending, this.#checkpoint]));
    if (!this.#writer || this.#uncountedBytes() === 0 || this.#failure instanceof LeaseLostError) return;
    await this.#inTime(this.#countDurable());
  }

  /** Lets go of the segment; one of which certainly nothing counts is removed. */
  async close(): Promise<void> {
    if (!this.#writer) return;
    const { storage, lease } = this.#options;
    await this.#inTime(Promise.allSettled([...this.#pending, this.#checkpoint]));
    const writer = await this.#writer.catch(() => null);
    await writer?.close();
    if (!this.#isOffered) await storage.remove(lease.segmentKey);
  }

  async #writeNow(chunk: Buffer): Promise<void> {
    const { storage, lease, onWritten } = this.#options;
    this.#writer ??= storage.createSegment(lease.segmentKey);
    const writer = await this.#writer;
    await writer.write(chunk);
    this.#queuedBytes -= chunk.length;
    this.#pending.shift();
    onWritten(chunk);
  }

  /** Even what nobody waits for any more is worth being put away, but not without end. */
  async #inTime<T>(work: Promise<T> | undefined): Promise<void> {
    if (work) await inPatience(work, { gone: this.#neverGone });
  }

  #uncountedBytes(): number {
    return this.#isCounting ? this.#receivedBytes - this.#countedBytes : 0;
  }

  /** One at a time. Never rejects: trouble shows as the failure. */
  #beginCheckpoint(): Promise<void> {
    this.#checkpoint ??= this.#countDurable()
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#checkpoint = undefined;
      });
    return this.#checkpoint;
  }

  async #countDurable(): Promise<void> {
    // The oldest write may be the one that makes the segment.
    if (!this.#writer) await this.#pending[0];
    const { db, lease, offsetBytes, expirySec } = this.#options;
    const durableBytes = (await (await this.#writer)?.sync()) ?? 0;
    if (durableBytes <= this.#countedBytes) {
      if (this.#pending.length === 0) throw new StorageUnavailableError('The storage lost received bytes');
      await this.#pending[0];
      return;
    }
    this.#isOffered = true;
    const held = await db.uploadLeases.advance(lease, {
      fromBytes: offsetBytes + this.#countedBytes,
      toBytes: offsetBytes + durableBytes,
      expirySec,
    });
    if (!held) throw lost();
    this.#countedBytes = durableBytes;
    this.#state = held.state;
    this.#isWanted = held.isWanted;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure;
  }
}

const lost = () => new LeaseLostError('Another request has taken over this upload, or it was ended');
