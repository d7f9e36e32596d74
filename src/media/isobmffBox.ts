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

/** Gives the boxes inside a piece of the index; one that claims more than its parent holds is cut. */
export function childBoxes(bytes: Buffer, parent: Pick<Box, 'start' | 'end'>): Box[] {
  const boxes: Box[] = [];
  const limit = Math.min(parent.end, bytes.length);
  for (let at = parent.start; at + 8 <= limit; ) {
    const box = readBoxHeader(bytes, at, at, limit);
    if (!box) break;
    boxes.push({ ...box, end: Math.min(box.end, limit) });
    at = box.end;
  }
  return boxes;
}

/** Follows a path of box types, the first of each; null when one is missing. */
export const findPath = (
  bytes: Buffer,
  from: Pick<Box, 'start' | 'end'>,
  path: readonly string[],
): Box | null => {
  let box: Pick<Box, 'start' | 'end'> | undefined = from;
  for (const type of path) {
    box = box && childBoxes(bytes, box).find((child) => child.type === type);
  }
  return (box as Box | undefined) ?? null;
};
