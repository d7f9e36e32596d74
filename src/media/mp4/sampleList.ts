import { type Box, childBoxes, type Index } from '../isobmffBox.ts';
import { readTable, type Table } from '../sampleTable.ts';

/** The samples of one track in decode order; times in ticks of the track. */
export interface SampleList {
  count: number;
  /** Where their bytes stand in the file. */
  offsets: Float64Array;
  sizes: Uint32Array;
  decodeTimes: Float64Array;
  /** When they are shown, on the track's own line: edit lists are not applied. */
  shownTimes: Float64Array;
  isSync: Uint8Array;
  /** Where the last one's time ends. */
  endTime: number;
}

/** Six hours at 120 frames a second are 2.6 million. */
const MAX_SAMPLES = 4_000_000;
/** Samples of one size take no room in the index, so that a small file could claim any number of them. */
const MAX_EQUAL_SAMPLES = 100_000;

const emptyList = (count: number): SampleList => ({
  count,
  offsets: new Float64Array(count),
  sizes: new Uint32Array(count),
  decodeTimes: new Float64Array(count),
  shownTimes: new Float64Array(count),
  isSync: new Uint8Array(count),
  endTime: 0,
});

/**
 * Reads a track's sample tables (ISO/IEC 14496-12, 8.6 and 8.7); null when they are missing, do not agree
 * with each other, or are larger than any video needs.
 */
export function readSampleList(index: Index, stbl: Box): SampleList | null {
  const boxes = new Map<string, Box>();
  for (const box of childBoxes(index, stbl)) boxes.set(box.type, box);
  const stsz = boxes.get('stsz');
  if (!stsz || stsz.start + 12 > stsz.end) return null;
  const count = index.bytes.readUInt32BE(stsz.start + 8);
  const isOneSize = index.bytes.readUInt32BE(stsz.start + 4) > 0;
  const rows = Math.floor((stsz.end - stsz.start - 12) / 4);
  if (count === 0 || count > (isOneSize ? MAX_EQUAL_SAMPLES : Math.min(MAX_SAMPLES, rows))) return null;
  const list = emptyList(count);
  const { bytes } = index;
  readSizes(bytes, stsz, list);
  const isRead =
    readOffsets(bytes, boxes, list) &&
    readTimes(bytes, boxes, list) &&
    readSyncSamples(bytes, boxes.get('stss'), list);
  return isRead ? list : null;
}

function readSizes(bytes: Buffer, stsz: Box, { sizes, count }: SampleList): void {
  const oneSize = bytes.readUInt32BE(stsz.start + 4);
  if (oneSize > 0) {
    sizes.fill(oneSize);
    return;
  }
  for (let at = 0; at < count; at++) sizes[at] = bytes.readUInt32BE(stsz.start + 12 + at * 4);
}

function readOffsets(bytes: Buffer, boxes: Map<string, Box>, { offsets, sizes, count }: SampleList): boolean {
  const isWide = boxes.has('co64');
  const chunks = readTable(bytes, boxes.get(isWide ? 'co64' : 'stco'), isWide ? 8 : 4);
  const groups = readTable(bytes, boxes.get('stsc'), 12);
  if (!chunks || !groups || groups.rows === 0) return false;
  let sample = 0;
  let group = 0;
  for (let chunk = 0; chunk < chunks.rows && sample < count; chunk++) {
    // Chunks are counted from 1 in the file.
    while (group + 1 < groups.rows && bytes.readUInt32BE(groups.at(group + 1)) <= chunk + 1) group++;
    // Descriptions other than the first one would need a decoder that changes on the way.
    if (bytes.readUInt32BE(groups.at(group) + 8) !== 1) return false;
    const at = chunks.at(chunk);
    let offset = isWide ? Number(bytes.readBigUInt64BE(at)) : bytes.readUInt32BE(at);
    const end = Math.min(count, sample + bytes.readUInt32BE(groups.at(group) + 4));
    for (; sample < end; sample++) {
      offsets[sample] = offset;
      offset += sizes[sample] ?? 0;
    }
  }
  return sample === count;
}

function readTimes(bytes: Buffer, boxes: Map<string, Box>, list: SampleList): boolean {
  const durations = readTable(bytes, boxes.get('stts'), 8);
  if (!durations) return false;
  let sample = 0;
  let time = 0;
  for (let row = 0; row < durations.rows && sample < list.count; row++) {
    const duration = bytes.readUInt32BE(durations.at(row) + 4);
    const end = Math.min(list.count, sample + bytes.readUInt32BE(durations.at(row)));
    for (; sample < end; sample++) {
      list.decodeTimes[sample] = time;
      time += duration;
    }
  }
  list.shownTimes.set(list.decodeTimes);
  const reordering = boxes.has('ctts') ? readTable(bytes, boxes.get('ctts'), 8) : null;
  if (reordering) reorder(bytes, reordering, list);
  list.endTime = endOf(list, time - (list.decodeTimes[list.count - 1] ?? 0));
  return sample === list.count;
}

function reorder(bytes: Buffer, table: Table, { shownTimes, count }: SampleList): void {
  let sample = 0;
  for (let row = 0; row < table.rows && sample < count; row++) {
    // Signed in version 1, and in version 0 as writers use it.
    const delay = bytes.readInt32BE(table.at(row) + 4);
    const end = Math.min(count, sample + bytes.readUInt32BE(table.at(row)));
    for (; sample < end; sample++) shownTimes[sample] = (shownTimes[sample] ?? 0) + delay;
  }
}

const endOf = ({ shownTimes }: SampleList, lastDuration: number): number =>
  shownTimes.reduce((latest, time) => Math.max(latest, time), Number.NEGATIVE_INFINITY) + lastDuration;

function readSyncSamples(bytes: Buffer, stss: Box | undefined, { isSync, count }: SampleList): boolean {
  const table = stss ? readTable(bytes, stss, 4) : null;
  if (!table) isSync.fill(1);
  for (let row = 0; row < (table?.rows ?? 0); row++) {
    const sample = bytes.readUInt32BE((table as Table).at(row)) - 1;
    if (sample >= 0 && sample < count) isSync[sample] = 1;
  }
  return true;
}
