const EBML_DOC_TYPE = 0x4282;
const SEGMENT = 0x18538067;

export interface MatroskaFacts {
  isWebm: boolean;
  isTruncated: boolean;
}

interface Element {
  id: number;
  start: number;
  /** Null for the unknown size that live recordings carry. */
  size: number | null;
}

const lengthOf = (firstByte: number): number => Math.clz32(firstByte) - 23;

/** Reads one element header (RFC 8794): a variable-length id, then a variable-length size. */
const readElement = (bytes: Buffer, at: number): Element | null => {
  const idLength = lengthOf(bytes[at] ?? 0);
  const sizeAt = at + idLength;
  const sizeLength = lengthOf(bytes[sizeAt] ?? 0);
  const start = sizeAt + sizeLength;
  if (idLength > 4 || sizeLength > 8 || start > bytes.length) return null;
  const id = bytes.readUIntBE(at, idLength);
  const digits = bytes.subarray(sizeAt, start);
  const mask = (1n << BigInt(7 * sizeLength)) - 1n;
  const size = BigInt(`0x${digits.toString('hex')}`) & mask;
  return { id, start, size: size === mask ? null : Number(size) };
};

/** Reads the head of a Matroska or WebM file: which it is, and whether its segment is all there. */
export function readMatroska(head: Buffer, fileSize: number): MatroskaFacts {
  const ebml = readElement(head, 0);
  if (!ebml?.size) return { isWebm: false, isTruncated: false };
  const ebmlEnd = ebml.start + ebml.size;
  let docType = '';
  for (let at = ebml.start; at < Math.min(ebmlEnd, head.length); ) {
    const element = readElement(head, at);
    if (!element || element.size === null) break;
    if (element.id === EBML_DOC_TYPE) {
      docType = head.toString('latin1', element.start, element.start + element.size).replace(/\0+$/, '');
    }
    at = element.start + element.size;
  }
  const segment = ebmlEnd < head.length ? readElement(head, ebmlEnd) : null;
  const isSegment = segment?.id === SEGMENT && segment.size !== null;
  return {
    isWebm: docType === 'webm',
    isTruncated: isSegment && segment.start + (segment.size ?? 0) > fileSize,
  };
}
