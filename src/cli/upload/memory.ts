import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What makes an upload the same one in a later call. */
export interface UploadIdentity {
  /** The server's address and the user there. */
  server: string;
  user: string;
  /** Absolute, links resolved. */
  path: string;
  sizeBytes: number;
  mtimeMs: number;
  /** What is told of the video: the same file with another title is another upload. */
  metadata: Record<string, string>;
}

const rememberedShape = z.object({
  /** Sent with the creation, so that one whose answer was lost is not made twice. */
  creationKey: z.string(),
  uploadId: z.string().nullable(),
  videoId: z.string().nullable(),
});

type Remembered = z.output<typeof rememberedShape>;

/** What is remembered of one unfinished upload; each change is kept at once. */
export interface UploadEntry {
  readonly creationKey: string;
  readonly uploadId: string | null;
  readonly videoId: string | null;
  note(change: { uploadId?: string; videoId?: string }): void;
  /** Begins anew: the upload that was known is no more. */
  renew(): void;
  /** The upload is over: the next call with this file makes another one. */
  forget(): void;
}

/** Unfinished uploads, one small file each, so that several calls at once do not disturb each other. */
export interface UploadMemory {
  open(identity: UploadIdentity): UploadEntry;
}

/** Longer than any server keeps an unfinished upload. */
const MAX_AGE_MS = 30 * 24 * 3600 * 1000;

/**
 * Opens the memory in a folder that is made when it is not there. A folder that cannot be written costs
 * only the going on later: `onTrouble` hears of it, once, and the uploads go their way.
 */
export function openUploadMemory({
  dir,
  onTrouble,
}: {
  dir: string;
  onTrouble(reason: string): void;
}): UploadMemory {
  let isTold = false;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!isTold) onTrouble((error as NodeJS.ErrnoException).code ?? 'unknown trouble');
      isTold = true;
    }
  };
  attempt(() => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    removeOld(dir);
  });
  return {
    open: (identity) => {
      const file = join(dir, `${nameOf(identity)}.json`);
      let current = read(file) ?? makeEntry();
      const set = (next: Remembered) => {
        current = next;
        attempt(() => write(file, current));
      };
      set(current);
      return {
        get creationKey() {
          return current.creationKey;
        },
        get uploadId() {
          return current.uploadId;
        },
        get videoId() {
          return current.videoId;
        },
        note: (change) => set({ ...current, ...change }),
        renew: () => set(makeEntry()),
        forget: () => attempt(() => rmSync(file, { force: true })),
      };
    },
  };
}

const makeEntry = (): Remembered => ({ creationKey: randomUUID(), uploadId: null, videoId: null });

function nameOf({ server, user, path, sizeBytes, mtimeMs, metadata }: UploadIdentity): string {
  const parts = [server, user, path, sizeBytes, mtimeMs, Object.entries(metadata).toSorted()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** A file that a crash of the machine left half written counts as none. */
function read(file: string): Remembered | null {
  try {
    return rememberedShape.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

/** Under another name first, so that a kill at any moment leaves the old content or the new. */
function write(file: string, remembered: Remembered): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(remembered)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

function removeOld(dir: string): void {
  for (const name of readdirSync(dir)) {
    const file = join(dir, name);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > MAX_AGE_MS) rmSync(file, { force: true });
  }
}
