import type { OutputMovie, OutputSamples, OutputTrack } from './outputTrack.ts';

/** Builds the index of an MP4 (ISO/IEC 14496-12, chapter 8). */

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(Math.round(value)));
  return bytes;
};

export const box = (type: string, ...content: Buffer[]): Buffer => {
  const bytes = Buffer.concat(content);
  return Buffer.concat([u32(bytes.length + 8), Buffer.from(type, 'latin1'), bytes]);
};

const fullBox = (type: string, version: number, flags: number, ...content: Buffer[]): Buffer =>
  box(type, u32(version * 2 ** 24 + flags), ...content);

/** The times of headers are left at zero: a cut is made from one video, not at one moment. */
const NO_TIMES = Buffer.alloc(16);
const UNTURNED = Buffer.concat([1, 0, 0, 0, 1, 0, 0, 0, 0x4000].map((value) => u32(value * 0x10000)));

/** Equal neighbours are told once: how many, and the value. */
function runLengths(values: Uint32Array): Buffer {
  const rows: number[] = [];
  let run = 0;
  for (let at = 0; at < values.length; at++) {
    run++;
    if (values[at + 1] === values[at]) continue;
    rows.push(run, values[at] as number);
    run = 0;
  }
  return Buffer.concat([u32(rows.length / 2), table(rows)]);
}

function table(numbers: ArrayLike<number>): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (let at = 0; at < numbers.length; at++) bytes.writeUInt32BE(numbers[at] as number, at * 4);
  return bytes;
}

/** A run of samples of one track that stand together in the file. */
export interface Chunk {
  track: number;
  from: number;
  to: number;
  sizeBytes: number;
}

const CHUNK_SEC = 0.5;

/** Lays the tracks in turns, half a second of each, so that a player reads from one place. */
export function interleave(tracks: readonly OutputTrack[]): Chunk[] {
  const cursors = tracks.map(({ silentSec }, track) => ({ track, at: 0, timeSec: silentSec }));
  const chunks: Chunk[] = [];
  for (;;) {
    const waiting = cursors.filter(({ track, at }) => at < (tracks[track] as OutputTrack).samples.count);
    const [first, ...others] = waiting;
    if (!first) return chunks;
    const cursor = others.reduce((one, other) => (other.timeSec < one.timeSec ? other : one), first);
    const { samples, timescale } = tracks[cursor.track] as OutputTrack;
    const from = cursor.at;
    let [ticks, sizeBytes] = [0, 0];
    while (cursor.at < samples.count && ticks < CHUNK_SEC * timescale) {
      ticks += samples.durations[cursor.at] as number;
      sizeBytes += samples.sizes[cursor.at] as number;
      cursor.at++;
    }
    cursor.timeSec += ticks / timescale;
    chunks.push({ track: cursor.track, from, to: cursor.at, sizeBytes });
  }
}

/** How many samples each chunk has, told where it changes. */
function samplesPerChunk(chunks: readonly Chunk[]): Buffer {
  const rows: number[] = [];
  for (const [at, { from, to }] of chunks.entries()) {
    if (to - from !== rows.at(-2)) rows.push(at + 1, to - from, 1);
  }
  return Buffer.concat([u32(rows.length / 3), table(rows)]);
}

function sampleTable({ samples, entry }: OutputTrack, chunks: readonly Chunk[], offsets: number[]): Buffer {
  const synced = syncSamples(samples);
  const isWide = offsets.some((offset) => offset > 0xffffffff);
  const isReordered = samples.delays.some((delay) => delay !== 0);
  return box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), entry),
    fullBox('stts', 0, 0, runLengths(samples.durations)),
    ...(isReordered ? [fullBox('ctts', 0, 0, runLengths(samples.delays))] : []),
    ...(synced.length < samples.count ? [fullBox('stss', 0, 0, u32(synced.length), table(synced))] : []),
    fullBox('stsc', 0, 0, samplesPerChunk(chunks)),
    fullBox('stsz', 0, 0, u32(0), u32(samples.count), table(samples.sizes)),
    isWide
      ? fullBox('co64', 0, 0, u32(offsets.length), ...offsets.map(u64))
      : fullBox('stco', 0, 0, u32(offsets.length), table(offsets)),
  );
}

function syncSamples({ isSync }: OutputSamples): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < isSync.length; at++) if (isSync[at]) numbers.push(at + 1);
  return numbers;
}

const HANDLERS = {
  video: { type: 'vide', name: 'VideoHandler', header: () => fullBox('vmhd', 0, 1, Buffer.alloc(8)) },
  audio: { type: 'soun', name: 'SoundHandler', header: () => fullBox('smhd', 0, 0, Buffer.alloc(4)) },
} as const;

const totalTicks = ({ durations }: OutputSamples): number => durations.reduce((sum, each) => sum + each, 0);

function media(track: OutputTrack, chunks: readonly Chunk[], offsets: number[]): Buffer {
  const { type, name, header } = HANDLERS[track.kind];
  const { extendedLanguage, samples, timescale } = track;
  const inThisFile = fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1));
  return box(
    'mdia',
    fullBox('mdhd', 1, 0, NO_TIMES, u32(timescale), u64(totalTicks(samples)), u16(track.language), u16(0)),
    ...(extendedLanguage ? [box('elng', extendedLanguage)] : []),
    fullBox('hdlr', 0, 0, u32(0), Buffer.from(type), Buffer.alloc(12), Buffer.from(`${name}\0`)),
    box('minf', header(), box('dinf', inThisFile), sampleTable(track, chunks, offsets)),
  );
}

const NORMAL_SPEED = 0x10000;

function edits({ silentSec, mediaTime, lengthSec }: OutputTrack, movieTimescale: number): Buffer {
  const ticks = (sec: number) => Math.round(sec * movieTimescale);
  const rows = [
    ...(ticks(silentSec) > 0 ? [[ticks(silentSec), -1]] : []),
    [ticks(lengthSec), mediaTime],
  ] as Array<[number, number]>;
  const written = rows.flatMap(([length, from]) => [u64(length), u64(from), u32(NORMAL_SPEED)]);
  return box('edts', fullBox('elst', 1, 0, u32(rows.length), ...written));
}

const IN_MOVIE = 2;
const ENABLED = 1;

function track(each: OutputTrack, number: number, movieTimescale: number, built: Buffer): Buffer {
  const isSound = each.kind === 'audio';
  const ticks = (each.silentSec + each.lengthSec) * movieTimescale;
  return box(
    'trak',
    fullBox(
      ...(['tkhd', 1, IN_MOVIE | (each.isEnabled ? ENABLED : 0)] as const),
      ...[NO_TIMES, u32(number), u32(0), u64(ticks), Buffer.alloc(8)],
      // Tracks of one group stand for each other: languages of the sound.
      ...[u16(0), u16(isSound ? 1 : 0), u16(isSound ? 0x0100 : 0), u16(0)],
      ...[each.matrix, each.displaySize],
    ),
    edits(each, movieTimescale),
    built,
  );
}

/**
 * Builds `moov` for samples that stand in the file from `mediaStart` on, chunk behind chunk.
 *
 * @param movieTimescale that of the video, so that its length is told exactly
 */
export function buildIndex({ tracks }: OutputMovie, chunks: readonly Chunk[], mediaStart: number): Buffer {
  const offsets: number[] = [];
  let offset = mediaStart;
  for (const { sizeBytes } of chunks) {
    offsets.push(offset);
    offset += sizeBytes;
  }
  const movieTimescale = tracks.find(({ kind }) => kind === 'video')?.timescale ?? 1000;
  const built = tracks.map((each, place) => {
    const isOwn = ({ track: owner }: Chunk) => owner === place;
    const ownOffsets = offsets.filter((_, at) => isOwn(chunks[at] as Chunk));
    return track(each, place + 1, movieTimescale, media(each, chunks.filter(isOwn), ownOffsets));
  });
  const lengthSec = Math.max(...tracks.map((each) => each.silentSec + each.lengthSec));
  const header = fullBox(
    ...(['mvhd', 1, 0, NO_TIMES, u32(movieTimescale), u64(lengthSec * movieTimescale)] as const),
    ...[u32(0x10000), u16(0x0100), Buffer.alloc(10), UNTURNED, Buffer.alloc(24), u32(tracks.length + 1)],
  );
  return box('moov', header, ...built);
}

/** The kind of file: MP4 as every player knows it. */
export const FILE_TYPE = box('ftyp', Buffer.from('isom'), u32(0x200), Buffer.from('isomiso2avc1mp41'));

/** The header of the box that holds the media; 64 bits wide only where it must be. */
export const mediaHeader = (sizeBytes: number): Buffer =>
  sizeBytes + 8 > 0xffffffff
    ? Buffer.concat([u32(1), Buffer.from('mdat'), u64(sizeBytes + 16)])
    : Buffer.concat([u32(sizeBytes + 8), Buffer.from('mdat')]);
