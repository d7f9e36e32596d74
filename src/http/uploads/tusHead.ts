import { SNIFF_BYTES } from '../../domain/containerSniff.ts';
import type { RouteDeps } from '../route.ts';
import { assertVideo } from './receiveObject.ts';

/** The first bytes of an upload, which say whether it can be a video. */
export class UploadHead {
  #bytes: Buffer;

  constructor(earlier: Buffer) {
    this.#bytes = earlier;
  }

  /** Notes the next bytes, as far as they are still needed. */
  taste(chunk: Buffer): void {
    if (!this.isEnough) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, SNIFF_BYTES)]);
  }

  /** Whether more would not tell more; a file may end before. */
  get isEnough(): boolean {
    return this.#bytes.length >= SNIFF_BYTES;
  }

  /** @throws HttpProblem `unsupported_media` */
  judge(): void {
    assertVideo(this.#bytes);
  }
}

/** Gives the head of an upload that goes on at an offset; null when it was judged before. */
export async function openHead(
  { db, storage }: Pick<RouteDeps, 'db' | 'storage'>,
  uploadId: string,
  offsetBytes: number,
): Promise<UploadHead | null> {
  if (offsetBytes >= SNIFF_BYTES) return null;
  if (offsetBytes === 0) return new UploadHead(Buffer.alloc(0));
  // A client that sends crumbs; segments can only be read as the object that they are joined to.
  const key = `uploads/${uploadId}/head`;
  await storage.join(key, await db.uploads.listSegments(uploadId));
  const pieces: Buffer[] = [];
  for await (const piece of await storage.open(key)) pieces.push(piece);
  await storage.remove(key);
  return new UploadHead(Buffer.concat(pieces));
}
