import type { FileHandle } from 'node:fs/promises';
import { type Box, childBoxes, findPath, type Index, openIndex, readBoxHeader } from './isobmffBox.ts';
import { countSampleEnd } from './sampleTable.ts';

/**
 * A small reader of MP4 and MOV headers, for one question that ffprobe does not answer: are all the
 * bytes there that the index speaks of? A file cut short in the middle probes as perfectly healthy when
 * its index stands at the front. Parsers from the registry were measured or read: none checks this, and
 * each decodes far more of a hostile file than these few tables.
 */
export interface IsobmffFacts {
  state: 'complete' | 'truncated' | 'no_index' | 'external_media' | 'still_picture';
  /** QuickTime by brand, or by having none. */
  isQuickTime: boolean;
  /**
   * Whether the whole index comes before the media, so that playing and seeking can begin with the first bytes. In a
   * fragmented file it does not: each piece brings its own.
   */
  isProgressive: boolean;
}

/**
 * An index larger than this is not read; ffprobe judges alone then. Six hours at 60 frames a second with sound take
 * 37 MiB at most: 4 bytes of size, 8 of offset and 8 of reordering for each of 1.3 million frames, 12 for each of a
 * million pieces of sound.
 */
export const MAX_INDEX_BYTES = 40 * 1024 * 1024;
/** Two boxes a fragment: 27 hours of one-second fragments. */
const MAX_TOP_LEVEL_BOXES = 200_000;

/** Gives the boxes of a file itself, one at a time, up to the first thing that is none. */
export async function* topLevelBoxes(file: FileHandle, fileSize: number): AsyncGenerator<Box> {
  const header = Buffer.alloc(16);
  let offset = 0;
  for (let count = 0; offset + 8 <= fileSize && count < MAX_TOP_LEVEL_BOXES; count++) {
    const { bytesRead } = await file.read(header, 0, 16, offset);
    const box = readBoxHeader(header.subarray(0, bytesRead), 0, offset, fileSize);
    if (!box || !/^[\x20-\x7e\xa9]{4}$/.test(box.type)) return;
    yield box;
    offset = box.end;
  }
}

/** A data reference whose flag 1 is not set names another file (ISO/IEC 14496-12, 8.7.2). */
const hasExternalMedia = (index: Index, track: Box): boolean => {
  const references = findPath(index, track, ['mdia', 'minf', 'dinf', 'dref']);
  if (!references) return false;
  for (const { start, end } of childBoxes(index, { start: references.start + 8, end: references.end })) {
    if (start + 4 <= end && ((index.bytes[start + 3] ?? 1) & 1) === 0) return true;
  }
  return false;
};

const holdsPictureOrSound = (index: Index, track: Box): boolean => {
  const handler = findPath(index, track, ['mdia', 'hdlr']);
  if (!handler || handler.start + 12 > index.bytes.length) return false;
  return ['vide', 'soun'].includes(index.bytes.toString('latin1', handler.start + 8, handler.start + 12));
};

function judgeIndex(index: Index, fileSize: number): IsobmffFacts['state'] {
  const tracks: Box[] = [];
  for (const box of childBoxes(index, { start: 0, end: index.bytes.length })) {
    if (box.type === 'trak' && holdsPictureOrSound(index, box)) tracks.push(box);
  }
  if (tracks.some((track) => hasExternalMedia(index, track))) return 'external_media';
  const tables = tracks.map((track) => findPath(index, track, ['mdia', 'minf', 'stbl']));
  const isCut = tables.some((table) => table !== null && countSampleEnd(index, table) > fileSize);
  return isCut ? 'truncated' : 'complete';
}

const isBefore = (one: Box | null, other: Box | null): boolean =>
  one !== null && other !== null && one.start < other.start;

const FRAGMENT_PARTS = ['moof', 'mdat'];

/**
 * Reads the headers of an MP4 or MOV file: whether it is whole, and which of the two it is.
 *
 * @throws UnusableMediaError when its index is made of more boxes than any video needs
 */
export async function readIsobmff(file: FileHandle, fileSize: number): Promise<IsobmffFacts> {
  let brand: string | null = null;
  let moovBox: Box | null = null;
  let fragmentsEnd = 0;
  let hasFragments = false;
  let mediaBox: Box | null = null;
  let hasItems = false;
  for await (const box of topLevelBoxes(file, fileSize)) {
    if (box.type === 'ftyp') {
      const text = Buffer.alloc(4);
      await file.read(text, 0, 4, box.start);
      brand = text.toString('latin1');
    }
    if (box.type === 'mdat') mediaBox ??= box;
    if (box.type === 'moov') moovBox ??= box;
    hasFragments ||= box.type === 'moof';
    hasItems ||= box.type === 'meta';
    if (FRAGMENT_PARTS.includes(box.type)) fragmentsEnd = Math.max(fragmentsEnd, box.end);
  }
  const isQuickTime = brand === null || brand === 'qt  ';
  const isProgressive = !hasFragments && isBefore(moovBox, mediaBox);
  // HEIC and AVIF keep pictures as items and have no movie.
  if (!moovBox) return { state: hasItems ? 'still_picture' : 'no_index', isQuickTime, isProgressive };
  if (moovBox.end > fileSize || (hasFragments && fragmentsEnd > fileSize)) {
    return { state: 'truncated', isQuickTime, isProgressive };
  }
  const size = moovBox.end - moovBox.start;
  if (size > MAX_INDEX_BYTES) return { state: 'complete', isQuickTime, isProgressive };
  const moov = Buffer.alloc(size);
  await file.read(moov, 0, size, moovBox.start);
  return { state: judgeIndex(openIndex(moov), fileSize), isQuickTime, isProgressive };
}
