import type { Readable, Writable } from 'node:stream';

/** One stored object as seen from outside. */
export interface StoredObject {
  sizeBytes: number;
  modifiedAt: Date;
}

/** A new object on its way in; nobody sees it before `commit`. */
export interface ObjectWriter {
  readonly stream: Writable;
  /** Makes the bytes durable (file and folder synced), then visible under the key. */
  commit(): Promise<{ sizeBytes: number }>;
  /** Drops what was written; safe at any moment and more than once. */
  abort(): Promise<void>;
}

/** Bytes that one writer sends over time; what is synced stays, whatever becomes of the writer. */
export interface SegmentWriter {
  /** Takes the next bytes; resolves when more may come. Nobody may change or reuse them before. */
  write(bytes: Buffer): Promise<void>;
  /** Makes durable what was written so far. @returns how many bytes of the segment are durable now */
  sync(): Promise<number>;
  /** Lets go of it; what is not synced may be lost. Safe more than once, and after a failure. */
  close(): Promise<void>;
}

/** The first bytes of a segment; what it holds beyond them counts for nothing. */
export interface SegmentBytes {
  /** Ends in `/`, as `createSegment` was given it. */
  key: string;
  sizeBytes: number;
}

export interface JoinOptions {
  signal?: AbortSignal;
  onProgress?: (writtenBytes: number) => void;
}

/** Inclusive first and last byte. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Where bytes live. Objects have keys (`sources/<id>`, `assets/<id>/…`), never paths, outside of this
 * folder; they are written once and never changed.
 *
 * Every method throws DiskFullError or StorageUnavailableError when the outside is in trouble, and
 * SourceMissingError where an object must be there and is not.
 */
export interface Storage {
  createWriter(key: string): Promise<ObjectWriter>;
  /**
   * Begins a segment under a key that was never used before and ends in `/`: its bytes lie in pieces below it,
   * where only its one writer writes. `remove` takes the key as the prefix that it is.
   */
  createSegment(key: string): Promise<SegmentWriter>;
  /**
   * Makes one object out of segments, in their order, durably and all at once. Repeating it is harmless; the
   * segments stay until they are removed.
   */
  join(key: string, segments: readonly SegmentBytes[], options?: JoinOptions): Promise<{ sizeBytes: number }>;
  /** Stores a local file under the key, atomically and durably. */
  put(key: string, localPath: string): Promise<{ sizeBytes: number }>;
  open(key: string, range?: ByteRange): Promise<Readable>;
  stat(key: string): Promise<StoredObject | null>;
  /** Gives a local path to read the object from, inside `scratchDir` when it has to be fetched first. */
  fetch(key: string, scratchDir: string): Promise<string>;
  /** Removes one object, or everything under a prefix that ends in `/`. Missing is fine. */
  remove(keyOrPrefix: string): Promise<void>;
  /** Keys under a prefix that were last written before the time given; unfinished writes included. */
  listOlderThan(prefix: string, before: Date): AsyncIterable<string>;
  /** Free bytes of the disk that takes new objects; null where there is no such limit. */
  freeBytes(): Promise<number | null>;
  /** Resolves when the storage can take a write. */
  ping(): Promise<void>;
}
