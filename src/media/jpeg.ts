import { open } from 'node:fs/promises';

export interface JpegFacts {
  width: number;
  height: number;
  sizeBytes: number;
}

const HEADER_BYTES = 64 * 1024;
const START_OF_IMAGE = 0xffd8;
const END_OF_IMAGE = 0xffd9;

const isFrameHeader = (marker: number) => marker >= 0xc0 && marker <= 0xc3;

const frameSize = (bytes: Buffer): { width: number; height: number } | null => {
  let at = 2;
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    if (isFrameHeader(bytes[at + 1] as number)) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
};

/**
 * Reads the size of a JPEG, null when there is no file or no whole picture in it: ffmpeg may end with
 * code 0 and leave nothing, or be cut short by a full disk.
 */
export async function readJpeg(path: string): Promise<JpegFacts | null> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return null;
  try {
    const { size } = await file.stat();
    if (size < 16) return null;
    const head = Buffer.alloc(Math.min(HEADER_BYTES, size));
    const tail = Buffer.alloc(2);
    await file.read(head, 0, head.length, 0);
    await file.read(tail, 0, 2, size - 2);
    if (head.readUInt16BE(0) !== START_OF_IMAGE || tail.readUInt16BE(0) !== END_OF_IMAGE) return null;
    const found = frameSize(head);
    return found && found.width > 0 && found.height > 0 ? { ...found, sizeBytes: size } : null;
  } finally {
    await file.close();
  }
}
