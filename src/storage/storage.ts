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
