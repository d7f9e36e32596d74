import { once } from 'node:events';
import { SNIFF_BYTES, SOUND_CONTAINERS, sniffContainer } from '../src/domain/containerSniff.ts';
import type { IncomingFile, Sink } from '../src/egress/download.ts';
import { DiskFullError, UnusableMediaError } from '../src/errors.ts';
import type { ObjectWriter, Storage } from '../src/storage/storage.ts';

export interface SourceSinkOptions {
  storage: Storage;
  key: string;
  minFreeBytes: number;
  /** Throws when the owner may not have a file of this length. */
  admit: (totalBytes: number | null) => Promise<void>;
  /** Percent, 0 where the length is not known; told of every move. */
  onProgress: (percent: number) => void;
}

/** A source on its way into the storage. */
export interface SourceSink extends Sink {
  /** Makes it durable and visible. @throws UnusableMediaError when it is empty or no video */
  commit(): Promise<{ sizeBytes: number }>;
  /** Drops what is not committed; safe at any moment and more than once. */
  abort(): Promise<void>;
}

/** How the bytes stand that came since the last beginning. */
interface Incoming {
  file: IncomingFile;
  /** Held back until they are enough to tell what they begin; null when they were judged. */
  head: Buffer | null;
  receivedBytes: number;
}

/**
 * Writes a fetched file under a key of its own. Its first bytes decide whether any of it is stored.
 *
 * Its methods throw UnusableMediaError, DiskFullError, StorageUnavailableError and what `admit` throws.
 */
export function createSourceSink(options: SourceSinkOptions): SourceSink {
  const { storage, key, onProgress } = options;
  let writer: ObjectWriter | undefined;
  let incoming: Incoming | undefined;

  const drop = async () => {
    await writer?.abort();
    writer = undefined;
  };
  const store = async (bytes: Buffer, signal?: AbortSignal) => {
    writer ??= await storage.createWriter(key);
    await writeTo(writer, bytes, signal);
  };
  return {
    async begin(file) {
      await drop();
      await options.admit(file.totalBytes);
      await assertFits(options, file.totalBytes ?? 0);
      incoming = { file, head: Buffer.alloc(0), receivedBytes: 0 };
    },
    async write(bytes, signal) {
      if (!incoming) throw new Error('Bytes came before their beginning');
      const { file } = incoming;
      incoming.receivedBytes += bytes.length;
      onProgress(file.totalBytes ? (incoming.receivedBytes * 100) / file.totalBytes : 0);
      if (!incoming.head) return store(bytes, signal);
      incoming.head = Buffer.concat([incoming.head, bytes]);
      if (incoming.head.length < SNIFF_BYTES) return;
      const { head } = incoming;
      assertVideo(head, file);
      incoming.head = null;
      await store(head, signal);
    },
    async commit() {
      if (!incoming) throw new Error('Nothing was received');
      const { head, file } = incoming;
      if (head?.length === 0) throw new UnusableMediaError('empty_file', `${file.host} sent an empty file`);
      if (head) {
        assertVideo(head, file);
        await store(head);
      }
      if (!writer) throw new Error('Nothing was stored');
      const stored = await writer.commit();
      writer = undefined;
      return stored;
    },
    abort: drop,
  };
}

/** A whole transfer in vain is worse than a look at the disk. */
async function assertFits({ storage, minFreeBytes }: SourceSinkOptions, bytes: number): Promise<void> {
  const freeBytes = await storage.freeBytes();
  if (freeBytes !== null && freeBytes - bytes < minFreeBytes) throw new DiskFullError();
}

/** As at the other roads in; what it is instead helps who gave the address. */
function assertVideo(head: Buffer, { host, contentType }: IncomingFile): void {
  const container = sniffContainer(head.subarray(0, SNIFF_BYTES));
  if (container && !SOUND_CONTAINERS.has(container)) return;
  const isPage =
    /^text\/html\b/i.test(contentType ?? '') || /^\s*<(!doctype html|html)\b/i.test(String(head));
  const what = container ? 'a sound file' : isPage ? 'a web page' : 'something else';
  throw new UnusableMediaError('unsupported_media', `A video is needed, but ${host} sent ${what}`);
}

async function writeTo({ stream }: ObjectWriter, bytes: Buffer, signal?: AbortSignal): Promise<void> {
  // An error that was told while nobody waited is not told again.
  if (stream.errored) throw stream.errored;
  if (!stream.write(bytes)) await once(stream, 'drain', signal ? { signal } : {});
}
