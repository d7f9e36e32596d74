import { createCipheriv, createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { fixture } from './mediaFixtures.ts';

const BLOCK = Buffer.alloc(1024 * 1024);
const BOX_HEAD_BYTES = 8;

/**
 * Writes a real MP4 of a size, most of which is a `free` box (ISO/IEC 14496-12) of noise: no two places are alike.
 *
 * @returns the SHA-256 of the file, in hex
 */
export async function writeBigVideo(path: string, sizeBytes: number, name: string): Promise<string> {
  const video = await readFile(await fixture('h264'));
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  const write = async (bytes: Buffer) => {
    hash.update(bytes);
    await file.write(bytes);
  };
  const boxBytes = sizeBytes - video.length;
  const head = Buffer.alloc(BOX_HEAD_BYTES);
  head.writeUInt32BE(boxBytes);
  head.write('free', 4, 'latin1');
  await write(video);
  await write(head);
  const noise = createCipheriv('aes-128-ctr', createHash('md5').update(name).digest(), Buffer.alloc(16));
  for (let left = boxBytes - BOX_HEAD_BYTES; left > 0; left -= BLOCK.length)
    await write(noise.update(BLOCK.subarray(0, Math.min(left, BLOCK.length))));
  await file.close();
  return hash.digest('hex');
}
