import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Asset } from '../db/entities/asset.ts';
import type { Storage } from '../storage/storage.ts';
import { etagOf, type Representation, representObject } from './bytes/sendBytes.ts';

/** How the stored index names its sheet. */
const SHEET = /^storyboard\.jpg(?=#xywh=)/gm;

/**
 * Gives the WebVTT index with the address of its sheet as the reader can use it. It is a few kilobytes,
 * so it is made in memory for every reader.
 */
export async function representIndex(
  storage: Storage,
  asset: Asset,
  { sheetUrl, filename }: { sheetUrl: string; filename: string },
): Promise<Representation> {
  const stored = await representObject(storage, asset.key, {
    contentType: 'text/vtt; charset=utf-8',
    disposition: { type: 'inline', filename },
  });
  const bytes = Buffer.from((await text(await stored.open())).replace(SHEET, sheetUrl));
  return {
    ...stored,
    sizeBytes: bytes.length,
    etag: etagOf(asset.key, sheetUrl),
    open: async (range) =>
      Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes], { objectMode: false }),
  };
}
