import type { ByteRange } from '../../storage/storage.ts';

/** What a Range header asks of a file: everything, nothing that exists, or these parts in the order asked. */
export type RangeAnswer =
  | { kind: 'whole' }
  | { kind: 'unsatisfiable' }
  | { kind: 'parts'; parts: [ByteRange, ...ByteRange[]] };

/** More parts than any player asks for are an attempt to make work (RFC 9110 §17.15): the whole is given instead. */
const MAX_PARTS = 16;
const MAX_SPECS = 64;

const RANGE_SPEC = /^(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/;

/**
 * Reads a Range header (RFC 9110 §14). An own one: the usual parser answers 416 where the RFC wants the
 * whole file for a suffix longer than it, and for ranges that are wrong and thus to be ignored.
 */
export function parseRange(header: string, sizeBytes: number): RangeAnswer {
  const [, list] = /^bytes=(.*)$/i.exec(header) ?? [];
  if (list === undefined) return { kind: 'whole' };
  const specs = list
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length > MAX_SPECS) return { kind: 'whole' };
  const ranges = specs.map((spec) => resolveSpec(spec, sizeBytes));
  // "An int-range is invalid if last-pos is less than first-pos. A recipient of a set that includes
  // invalid ranges MUST ignore it." (§14.1.1)
  if (ranges.length === 0 || ranges.includes('invalid')) return { kind: 'whole' };
  const parts = mergeOverlaps(ranges.filter((range) => typeof range === 'object'));
  if (parts.length > MAX_PARTS) return { kind: 'whole' };
  const [first, ...rest] = parts;
  return first ? { kind: 'parts', parts: [first, ...rest] } : { kind: 'unsatisfiable' };
}

function resolveSpec(spec: string, sizeBytes: number): ByteRange | 'invalid' | 'outside' {
  const match = RANGE_SPEC.exec(spec);
  if (!match) return 'invalid';
  const [, first, last, suffix] = match;
  if (first === undefined) {
    const start = Math.max(0, sizeBytes - Number(suffix));
    return start < sizeBytes ? { start, end: sizeBytes - 1 } : 'outside';
  }
  const start = Number(first);
  const end = last === undefined ? Number.POSITIVE_INFINITY : Number(last);
  if (end < start) return 'invalid';
  return start < sizeBytes ? { start, end: Math.min(end, sizeBytes - 1) } : 'outside';
}

/** Overlapping parts become one (§15.3.7.2 allows it); otherwise the order asked stays. */
function mergeOverlaps(ranges: ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of ranges) {
    const touched = merged.filter((other) => range.start <= other.end + 1 && other.start <= range.end + 1);
    const [keeper] = touched;
    if (!keeper) {
      merged.push({ ...range });
      continue;
    }
    keeper.start = Math.min(range.start, ...touched.map((other) => other.start));
    keeper.end = Math.max(range.end, ...touched.map((other) => other.end));
    for (const other of touched.slice(1)) merged.splice(merged.indexOf(other), 1);
  }
  return merged;
}
