import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingFile } from '../../src/egress/download.ts';
import { createEgress, type EgressParts } from '../../src/egress/index.ts';
import type { VideoflowError } from '../../src/errors.ts';

export interface FetchOptions extends EgressParts {
  allow?: string[];
  maxBytes?: number;
  maxSec?: number;
  minBytesPerSec?: number;
  signal?: AbortSignal;
  /** How long each write takes. */
  writeMs?: number;
}

export interface Fetched {
  bytes: Buffer;
  /** How often the bytes began from the first one on. */
  beginnings: IncomingFile[];
  error: VideoflowError | null;
}

/** Fetches an address as the source step does, into memory, with short times. */
export async function fetchSource(url: string, options: FetchOptions = {}): Promise<Fetched> {
  const {
    allow = [],
    maxBytes = 64 * 1024 * 1024,
    maxSec = 10,
    minBytesPerSec = 1,
    signal,
    writeMs = 0,
    ...parts
  } = options;
  const egress = createEgress({ config: { EGRESS_ALLOW_CIDRS: allow }, idleMs: 2000, pauseMs: 5, ...parts });
  const fetched: Fetched = { bytes: Buffer.alloc(0), beginnings: [], error: null };
  let chunks: Buffer[] = [];
  const sink = {
    begin: async (file: IncomingFile) => {
      fetched.beginnings.push(file);
      chunks = [];
    },
    write: async (chunk: Buffer) => {
      if (writeMs > 0) await delay(writeMs);
      chunks.push(chunk);
    },
  };
  const request = {
    url,
    sink,
    maxBytes,
    maxSec,
    minBytesPerSec,
    signal: signal ?? new AbortController().signal,
  };
  await egress.download(request).catch((error: VideoflowError) => {
    fetched.error = error;
  });
  return { ...fetched, bytes: Buffer.concat(chunks) };
}
