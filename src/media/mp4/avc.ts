import type { FileHandle } from 'node:fs/promises';
import type { Track } from './movie.ts';
import { box } from './movieBoxes.ts';

/** What an H.264 decoder is set up with (ISO/IEC 14496-15, 5.3.3): parameter sets, and how units are told apart. */
export interface AvcParameters {
  /** Profile, constraints and level of the first set. */
  head: Buffer;
  lengthBytes: number;
  sequenceSets: Buffer[];
  pictureSets: Buffer[];
  /** What High profiles add at the end. */
  extension: Buffer;
}

const ENTRY_FIELDS = 86;

const findConfiguration = (entry: Buffer): { start: number; end: number } | null => {
  for (let at = ENTRY_FIELDS; at + 8 <= entry.length; ) {
    const size = entry.readUInt32BE(at);
    if (size < 8 || at + size > entry.length) return null;
    if (entry.toString('latin1', at + 4, at + 8) === 'avcC') return { start: at, end: at + size };
    at += size;
  }
  return null;
};

/** Reads the decoder's parameters from a sample entry; null when it is none of plain H.264. */
export function readAvc(entry: Buffer): AvcParameters | null {
  if (entry.toString('latin1', 4, 8) !== 'avc1') return null;
  const place = findConfiguration(entry);
  if (!place) return null;
  const bytes = entry.subarray(place.start + 8, place.end);
  let at = 5;
  const readSets = (mask: number): Buffer[] => {
    const sets: Buffer[] = [];
    const count = bytes.readUInt8(at++) & mask;
    for (let each = 0; each < count; each++) {
      const length = bytes.readUInt16BE(at);
      sets.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return sets;
  };
  try {
    const [sequenceSets, pictureSets] = [readSets(0x1f), readSets(0xff)];
    const lengthBytes = (bytes.readUInt8(4) & 3) + 1;
    return {
      head: bytes.subarray(0, 5),
      lengthBytes,
      sequenceSets,
      pictureSets,
      extension: bytes.subarray(at),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Gives a sample entry that knows the parameter sets of others too; only for entries `readAvc` has read. */
export function withParameters(entry: Buffer, others: readonly AvcParameters[]): Buffer {
  const own = readAvc(entry);
  const place = findConfiguration(entry);
  if (!own || !place) throw new TypeError('Not a sample entry of H.264');
  const all = [own, ...others];
  const written = (sets: Buffer[]) =>
    sets.flatMap((set) => [Buffer.from([set.length >> 8, set.length & 0xff]), set]);
  const sequenceSets = distinct(all.flatMap((each) => each.sequenceSets));
  const pictureSets = distinct(all.flatMap((each) => each.pictureSets));
  const configuration = box(
    'avcC',
    ...[own.head, Buffer.from([0xe0 | sequenceSets.length]), ...written(sequenceSets)],
    ...[Buffer.from([pictureSets.length]), ...written(pictureSets), own.extension],
  );
  const grown = Buffer.concat([entry.subarray(0, place.start), configuration, entry.subarray(place.end)]);
  grown.writeUInt32BE(grown.length, 0);
  return grown;
}

const distinct = (sets: Buffer[]): Buffer[] =>
  sets.filter((set, at) => sets.findIndex((other) => other.equals(set)) === at);

/** Reads one unsigned Exp-Golomb number (ITU-T H.264, 9.1) that begins at a bit. */
function readGolomb(bytes: Buffer, firstBit: number): number {
  const bit = (at: number) => ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  let zeros = 0;
  while (zeros < 16 && bit(firstBit + zeros) === 0) zeros++;
  let value = 0;
  for (let at = firstBit + zeros; at <= firstBit + 2 * zeros; at++) value = value * 2 + bit(at);
  return value - 1;
}

const MAX_SET_ID = 31;

/**
 * Gives a number that no parameter set of the source has (7.3.2.1.1: behind unit header, profile,
 * constraints and level; 7.3.2.2: behind the unit header); null when all are taken.
 */
export function freeSetId({ sequenceSets, pictureSets }: AvcParameters): number | null {
  const taken = new Set([
    ...sequenceSets.map((set) => readGolomb(set, 32)),
    ...pictureSets.map((set) => readGolomb(set, 8)),
  ]);
  for (let id = 7; id <= MAX_SET_ID; id++) if (!taken.has(id)) return id;
  return null;
}

const UNIT = { slice: 1, lastSlice: 5, idrSlice: 5 } as const;
/** What may stand before a picture (delimiters, parameter sets, remarks, captions) takes up less. */
const LOOKED_AT_BYTES = 16 * 1024;

/** Whether decoding can begin at a sample with nothing known: its first slice is of an IDR picture (7.4.1.2.4). */
export async function isIdr(file: FileHandle, { samples }: Track, sample: number): Promise<boolean> {
  const head = Buffer.alloc(Math.min(samples.sizes[sample] as number, LOOKED_AT_BYTES));
  const { bytesRead } = await file.read(head, 0, head.length, samples.offsets[sample]);
  for (let at = 0; at + 5 <= bytesRead; at += 4 + head.readUInt32BE(at)) {
    const type = head.readUInt8(at + 4) & 0x1f;
    if (type >= UNIT.slice && type <= UNIT.lastSlice) return type === UNIT.idrSlice;
  }
  return false;
}
