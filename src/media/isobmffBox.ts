import { damaged } from './complaints.ts';

export interface Box {
  type: string;
  /** Where its content begins and ends. */
  start: number;
  end: number;
}

/** Reads one box header (ISO/IEC 14496-12, 4.2): 32-bit size, 64-bit size, or up to the end. */
export const readBoxHeader = (bytes: Buffer, at: number, offset: number, limit: number): Box | null => {
  if (at + 8 > bytes.length) return null;
  const size32 = bytes.readUInt32BE(at);
  const type = bytes.toString('latin1', at + 4, at + 8);
  if (size32 === 0) return { type, start: offset + 8, end: limit };
  if (size32 !== 1) return size32 < 8 ? null : { type, start: offset + 8, end: offset + size32 };
  if (at + 16 > bytes.length) return null;
  const size64 = Number(bytes.readBigUInt64BE(at + 8));
  return size64 < 16 ? null : { type, start: offset + 16, end: offset + size64 };
};

/** An index (`moov`) in memory, and how many of its boxes may still be looked at. */
export interface Index {
  bytes: Buffer;
  boxesLeft: number;
}

/** A hundred tracks take some 7,000 looks; eight bytes make a box, so that a small file could hold millions. */
const MAX_BOXES_LOOKED_AT = 100_000;

export const openIndex = (bytes: Buffer): Index => ({ bytes, boxesLeft: MAX_BOXES_LOOKED_AT });

/**
 * Gives the boxes inside a piece of the index, one at a time; one that claims more than its parent holds is cut.
 *
 * @throws UnusableMediaError when the index is made of more boxes than any video needs
 */
export function* childBoxes(index: Index, parent: Pick<Box, 'start' | 'end'>): Generator<Box> {
  const limit = Math.min(parent.end, index.bytes.length);
  for (let at = parent.start; at + 8 <= limit; ) {
    const box = readBoxHeader(index.bytes, at, at, limit);
    if (!box) return;
    if (index.boxesLeft-- <= 0) throw damaged();
    yield { ...box, end: Math.min(box.end, limit) };
    at = box.end;
  }
}

const findChild = (index: Index, parent: Pick<Box, 'start' | 'end'>, type: string): Box | null => {
  for (const child of childBoxes(index, parent)) if (child.type === type) return child;
  return null;
};

/** Follows a path of box types, the first of each; null when one is missing. */
export const findPath = (
  index: Index,
  from: Pick<Box, 'start' | 'end'>,
  path: readonly string[],
): Box | null => {
  let box: Box | null = null;
  for (const type of path) {
    box = findChild(index, box ?? from, type);
    if (!box) return null;
  }
  return box;
};
