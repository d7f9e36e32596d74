import { open } from 'node:fs/promises';
import { topLevelBoxes } from '../isobmff.ts';
import { findPath, openIndex } from '../isobmffBox.ts';

const ONE = 0x10000;

/** Rows of the matrix (ISO/IEC 14496-12, 6.2.2): turned clockwise, then moved back into view. */
function matrixOf(rotation: number, width: number, height: number): Buffer {
  const [a, b, c, d, x, y] =
    {
      0: [1, 0, 0, 1, 0, 0],
      90: [0, 1, -1, 0, height, 0],
      180: [-1, 0, 0, -1, width, height],
      270: [0, -1, 1, 0, 0, width],
    }[rotation] ?? [];
  const matrix = Buffer.alloc(36);
  for (const [at, value] of [a, b, 0, c, d, 0, x, y].entries())
    matrix.writeInt32BE((value ?? 0) * ONE, at * 4);
  matrix.writeInt32BE(0x40000000, 32);
  return matrix;
}

/** The index of a file of ours; more would not fit the hours that are accepted. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;

/**
 * Writes into the header of an MP4 by how many clockwise degrees players turn its first track. ffmpeg's options for
 * it differ from version to version, and none works for a picture that it encodes.
 */
export async function turnPicture(
  path: string,
  { rotation, width, height }: { rotation: number; width: number; height: number },
): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    for await (const box of topLevelBoxes(file, size)) {
      if (box.type !== 'moov' || box.end - box.start > MAX_INDEX_BYTES) continue;
      const bytes = Buffer.alloc(box.end - box.start);
      await file.read(bytes, 0, bytes.length, box.start);
      const tkhd = findPath(openIndex(bytes), { start: 0, end: bytes.length }, ['trak', 'tkhd']);
      if (!tkhd) return;
      const at = tkhd.start + (bytes[tkhd.start] === 1 ? 52 : 40);
      await file.write(matrixOf(rotation, width, height), 0, 36, box.start + at);
    }
  } finally {
    await file.close();
  }
}
