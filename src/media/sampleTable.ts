import { type Box, childBoxes, type Index } from './isobmffBox.ts';

/** Rows of a table box, never more than the box has room for. */
export interface Table {
  rows: number;
  at(row: number): number;
}

/** Finds the rows of a table box behind its head (version, flags and counts); null when there is none. */
export const readTable = (
  bytes: Buffer,
  box: Box | undefined,
  rowBytes: number,
  headBytes = 8,
): Table | null => {
  if (!box || box.start + headBytes > box.end) return null;
  const start = box.start + headBytes;
  const declared = bytes.readUInt32BE(start - 4);
  const rows = Math.min(declared, Math.floor((box.end - start) / rowBytes));
  return { rows, at: (row) => start + row * rowBytes };
};

/** Sizes of samples in file order; one size for all when the table says so. */
const readSizes = (bytes: Buffer, box: Box | undefined) => {
  const table = readTable(bytes, box, 4, 12);
  if (!box || !table) return null;
  const oneSize = bytes.readUInt32BE(box.start + 4);
  if (oneSize > 0)
    return { samples: bytes.readUInt32BE(box.start + 8), sum: (_: number, count: number) => oneSize * count };
  return {
    samples: table.rows,
    sum: (from: number, count: number) => {
      let total = 0;
      for (let sample = from; sample < from + count; sample++) total += bytes.readUInt32BE(table.at(sample));
      return total;
    },
  };
};

const TABLES = ['stco', 'co64', 'stsc', 'stsz'];

/**
 * Gives the offset behind the last byte of any sample of a track (ISO/IEC 14496-12, 8.7: chunk offsets,
 * samples per chunk, sample sizes); 0 when the tables are empty or of a kind not read here.
 */
export function countSampleEnd(index: Index, stbl: Box): number {
  const moov = index.bytes;
  const boxes = new Map<string, Box>();
  for (const box of childBoxes(index, stbl)) if (TABLES.includes(box.type)) boxes.set(box.type, box);
  const isWide = boxes.has('co64');
  const chunks = readTable(moov, boxes.get(isWide ? 'co64' : 'stco'), isWide ? 8 : 4);
  const groups = readTable(moov, boxes.get('stsc'), 12);
  const sizes = readSizes(moov, boxes.get('stsz'));
  if (!chunks || !groups || !sizes || groups.rows === 0) return 0;

  const offsetOf = (chunk: number) =>
    isWide ? Number(moov.readBigUInt64BE(chunks.at(chunk))) : moov.readUInt32BE(chunks.at(chunk));
  let end = 0;
  let sample = 0;
  let group = 0;
  for (let chunk = 0; chunk < chunks.rows && sample < sizes.samples; chunk++) {
    // Chunks are counted from 1 in the file.
    while (group + 1 < groups.rows && moov.readUInt32BE(groups.at(group + 1)) <= chunk + 1) group++;
    const count = Math.min(moov.readUInt32BE(groups.at(group) + 4), sizes.samples - sample);
    end = Math.max(end, offsetOf(chunk) + sizes.sum(sample, count));
    sample += count;
  }
  return end;
}
