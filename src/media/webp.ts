import { open } from 'node:fs/promises';

export interface WebpFacts {
  width: number;
  height: number;
  sizeBytes: number;
}

/** RIFF header, chunk header, and the frame header of a lossy picture (RFC 9649 §2.5, RFC 6386 §9.1). */
const HEADER_BYTES = 30;
const RIFF_PREAMBLE_BYTES = 8;
const START_CODE = 0x9d012a;
/** Above the size are two bits of scaling. */
const SIZE_BITS = 0x3fff;

/**
 * Reads the size of a lossy WebP, null when there is no file or no whole picture in it: the length in its header is
 * written at the end, so a file that was cut short does not have it.
 */
export async function readWebp(path: string): Promise<WebpFacts | null> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return null;
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, HEADER_BYTES, 0);
    if (bytesRead < HEADER_BYTES || head.readUInt32LE(4) + RIFF_PREAMBLE_BYTES !== size) return null;
    if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 16) !== 'WEBPVP8 ')
      return null;
    if (head.readUIntBE(23, 3) !== START_CODE) return null;
    const [width, height] = [head.readUInt16LE(26) & SIZE_BITS, head.readUInt16LE(28) & SIZE_BITS];
    return width > 0 && height > 0 ? { width, height, sizeBytes: size } : null;
  } finally {
    await file.close();
  }
}
