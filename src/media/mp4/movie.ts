import { type FileHandle, open } from 'node:fs/promises';
import { MAX_INDEX_BYTES, topLevelBoxes } from '../isobmff.ts';
import { type Box, childBoxes, findPath, type Index, openIndex } from '../isobmffBox.ts';
import { readSampleList, type SampleList } from './sampleList.ts';

/**
 * An MP4's index taken apart, so that a new one can be built over the same samples. ffmpeg's own copying
 * cannot begin between key frames without hiding what comes before, joins pieces by guessing at their
 * decode times, and keeps one set of decoder parameters only.
 */
export interface Movie {
  path: string;
  tracks: Track[];
  /** In seconds, where a player begins: the first thing that is shown or heard. */
  originSec: number;
}

export interface Track {
  /** Its place in the file, which is ffprobe's stream index. */
  index: number;
  kind: 'video' | 'audio';
  /** Ticks a second. */
  timescale: number;
  samples: SampleList;
  /** Added to a sample's own shown time, this gives the movie's time in ticks (the edit list applied). */
  shift: number;
  /** What the edit list lets be seen, in the movie's time and ticks. */
  shownFrom: number;
  shownTo: number;
  /** The one sample entry: codec, its parameters, colour, pixel aspect. */
  entry: Buffer;
  /** ISO 639-2 as five-bit letters, as the file holds it. */
  language: number;
  /** The BCP 47 tag's box content; null when there is none. */
  extendedLanguage: Buffer | null;
  /** Rotation and place of the picture. */
  matrix: Buffer;
  /** Width and height as 16.16 numbers. */
  displaySize: Buffer;
  isEnabled: boolean;
}

const KINDS: Record<string, Track['kind']> = { vide: 'video', soun: 'audio' };

/** How a row of an edit list begins, by the version of its box: its length in the movie's ticks, and the time in the media. */
const readEditRow = (bytes: Buffer, at: number, isWide: boolean): { length: number; mediaTime: number } =>
  isWide
    ? { length: Number(bytes.readBigUInt64BE(at)), mediaTime: Number(bytes.readBigInt64BE(at + 8)) }
    : { length: bytes.readUInt32BE(at), mediaTime: bytes.readInt32BE(at + 4) };

interface Edit {
  shift: number;
  from: number;
  to: number;
}

const UNEDITED: Edit = { shift: 0, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/**
 * Reads the edit list (8.6.6): at most some empty time and then one piece at normal speed. Null for anything
 * richer, which is left to ffmpeg.
 */
function readEdit(index: Index, trak: Box, timescale: number, movieTimescale: number): Edit | null {
  const box = findPath(index, trak, ['edts', 'elst']);
  if (!box || box.start + 8 > box.end) return UNEDITED;
  const { bytes } = index;
  const isWide = bytes[box.start] === 1;
  const rowBytes = isWide ? 20 : 12;
  const rows = Math.min(bytes.readUInt32BE(box.start + 4), Math.floor((box.end - box.start - 8) / rowBytes));
  let emptyTicks = 0;
  for (let row = 0; row < rows; row++) {
    const at = box.start + 8 + row * rowBytes;
    const { length, mediaTime } = readEditRow(bytes, at, isWide);
    const ticks = Math.round((length * timescale) / movieTimescale);
    if (mediaTime === -1) {
      emptyTicks += ticks;
      continue;
    }
    const isNormalSpeed = bytes.readUInt32BE(at + rowBytes - 4) === 0x10000;
    if (!isNormalSpeed || row !== rows - 1 || mediaTime < 0) return null;
    // A length of nothing stands for "to the end".
    const shownTicks = ticks || Number.POSITIVE_INFINITY;
    return { shift: emptyTicks - mediaTime, from: emptyTicks, to: emptyTicks + shownTicks };
  }
  return { ...UNEDITED, shift: emptyTicks };
}

/** The fields of an entry before its boxes (8.5.2, 12.1.3, 12.2.3): shorter ones describe nothing. */
const ENTRY_FIELDS_BYTES: Record<Track['kind'], number> = { video: 86, audio: 36 };

function readEntry(index: Index, stbl: Box, kind: Track['kind']): Buffer | null {
  const stsd = findPath(index, stbl, ['stsd']);
  if (!stsd || stsd.start + 8 > stsd.end || index.bytes.readUInt32BE(stsd.start + 4) !== 1) return null;
  const entry = index.bytes.subarray(stsd.start + 8, stsd.end);
  const length = entry.length >= 4 ? entry.readUInt32BE(0) : 0;
  return length >= ENTRY_FIELDS_BYTES[kind] && length <= entry.length ? entry.subarray(0, length) : null;
}

interface TrackHeaders {
  tkhd: Box;
  mdhd: Box;
  hdlr: Box;
  stbl: Box;
}

function findHeaders(index: Index, trak: Box): TrackHeaders | null {
  const [tkhd, mdhd, hdlr, stbl] = [
    ['tkhd'],
    ['mdia', 'mdhd'],
    ['mdia', 'hdlr'],
    ['mdia', 'minf', 'stbl'],
  ].map((path) => findPath(index, trak, path));
  if (!tkhd || !mdhd || !hdlr || !stbl) return null;
  const isLongEnough =
    tkhd.end - tkhd.start >= 84 && mdhd.end - mdhd.start >= 24 && hdlr.end - hdlr.start >= 12;
  return isLongEnough ? { tkhd, mdhd, hdlr, stbl } : null;
}

/** Null for a track that is neither picture nor sound; `unreadable` when it is one and cannot be read here. */
function readTrack(
  index: Index,
  trak: Box,
  place: { index: number; movieTimescale: number },
): Track | null | 'unreadable' {
  const { bytes } = index;
  const headers = findHeaders(index, trak);
  const kind = headers
    ? KINDS[bytes.toString('latin1', headers.hdlr.start + 8, headers.hdlr.start + 12)]
    : null;
  if (!headers || !kind) return null;
  const { tkhd, mdhd, stbl } = headers;
  const isWide = bytes[mdhd.start] === 1;
  const timescale = bytes.readUInt32BE(mdhd.start + (isWide ? 20 : 12));
  const edit = timescale > 0 ? readEdit(index, trak, timescale, place.movieTimescale) : null;
  const samples = readSampleList(index, stbl);
  const entry = readEntry(index, stbl, kind);
  if (!edit || !samples || !entry) return 'unreadable';
  const matrixAt = tkhd.start + (bytes[tkhd.start] === 1 ? 52 : 40);
  const elng = findPath(index, trak, ['mdia', 'elng']);
  return {
    ...{ index: place.index, kind, timescale, samples, entry, shift: edit.shift },
    ...{ shownFrom: edit.from, shownTo: edit.to },
    language: bytes.readUInt16BE(mdhd.start + (isWide ? 32 : 20)),
    extendedLanguage: elng && elng.end - elng.start <= 200 ? bytes.subarray(elng.start, elng.end) : null,
    matrix: bytes.subarray(matrixAt, matrixAt + 36),
    displaySize: bytes.subarray(matrixAt + 36, matrixAt + 44),
    isEnabled: ((bytes[tkhd.start + 3] ?? 1) & 1) === 1,
  };
}

/** When a track begins to be seen or heard, in seconds of the movie. */
const beginSec = ({ samples, shift, shownFrom, timescale }: Track): number =>
  (Number.isFinite(shownFrom)
    ? shownFrom
    : samples.shownTimes.reduce((first, time) => Math.min(first, time), Number.POSITIVE_INFINITY) + shift) /
  timescale;

async function readIndex(file: FileHandle): Promise<Index | null> {
  const { size } = await file.stat();
  let moov: Box | null = null;
  for await (const box of topLevelBoxes(file, size)) {
    if (box.type === 'moof') return null;
    if (box.type === 'moov') moov ??= box;
  }
  if (!moov || moov.end > size || moov.end - moov.start > MAX_INDEX_BYTES) return null;
  const bytes = Buffer.alloc(moov.end - moov.start);
  await file.read(bytes, 0, bytes.length, moov.start);
  return openIndex(bytes);
}

function readTracks(index: Index): Track[] | null {
  const whole = { start: 0, end: index.bytes.length };
  const mvhd = findPath(index, whole, ['mvhd']);
  if (!mvhd || mvhd.end - mvhd.start < 32) return null;
  const movieTimescale = index.bytes.readUInt32BE(mvhd.start + (index.bytes[mvhd.start] === 1 ? 20 : 12));
  if (movieTimescale === 0) return null;
  const tracks: Track[] = [];
  let place = 0;
  for (const box of childBoxes(index, whole)) {
    if (box.type !== 'trak') continue;
    const track = readTrack(index, box, { index: place++, movieTimescale });
    if (track === 'unreadable') return null;
    if (track) tracks.push(track);
  }
  return tracks;
}

/**
 * Takes an MP4 or MOV apart.
 *
 * @returns null for what is not read here: fragments, several descriptions in a track, rich edit lists
 * @throws UnusableMediaError when its index is made of more boxes than any video needs
 */
export async function readMovie(path: string): Promise<Movie | null> {
  const file = await open(path);
  try {
    const index = await readIndex(file);
    const tracks = index ? readTracks(index) : null;
    return tracks && tracks.length > 0
      ? { path, tracks, originSec: Math.min(...tracks.map(beginSec)) }
      : null;
  } catch (error) {
    // A table that points outside of the index.
    if (error instanceof RangeError) return null;
    throw error;
  } finally {
    await file.close();
  }
}
