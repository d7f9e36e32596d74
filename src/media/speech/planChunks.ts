import { roundToMs } from '../../domain/roundToMs.ts';
import type { TimeRange } from '../../domain/speech.ts';
import { PACKET_SEC } from './commands.ts';
import { type Levels, WINDOW_SEC } from './levels.ts';
import { findVoiced, type WindowRange } from './voiced.ts';

export interface PlannedChunk extends TimeRange {
  /** How many packets come before it. */
  firstPacket: number;
  /** Where it is not silent; nowhere, when nothing is heard in it. */
  voiced: TimeRange[];
}

/** Nothing that stays below is heard as anything. */
const HEARD_DB = -60;
/** Pauses between sentences, and where there are none, those between words. */
const PAUSES_SEC = [0.3, 0.1];
/** What is voiced with less than this in between is voiced throughout. */
const JOINED_GAP_SEC = 0.3;
/** A chunk is at least so full where there is a choice. */
const LEAST_SHARE = 0.6;
/** Where nobody ever pauses the quietest moment of this last part is taken. */
const LAST_SHARE = 0.9;
const MOMENT_WINDOWS = 5;
/** Of a fraction of a second transcribers make nothing, or refuse it: no chunk is left with less because of a cut. */
const LEAST_SEC = 1;
/** What is shorter altogether holds no word. */
const WORDLESS_SEC = 0.1;

const PACKET_WINDOWS = Math.round(PACKET_SEC / WINDOW_SEC);
const toSec = (windows: number): number => roundToMs(windows * WINDOW_SEC);

/**
 * Splits a track into chunks that follow each other without gap or overlap: an overlap would have to be taken out of
 * the text again. They end in the middle of a pause, the last one that makes the chunk nearly as long as it may be.
 *
 * @param maxSec no chunk is longer
 */
export function planChunks(levels: Levels, maxSec: number): PlannedChunk[] {
  if (levels.lengthSec < WORDLESS_SEC) return [];
  const voiced = findVoiced(levels);
  const cuts = findCuts(levels, pausesBetween(voiced, levels.loudness.length), maxSec);
  const windows = levels.loudness.length;
  const bounds = [0, ...cuts.map((packets) => packets * PACKET_WINDOWS), windows];
  return bounds.slice(0, -1).map((from, at) => {
    const range = { from, to: bounds[at + 1] as number };
    const endSec = Math.min(toSec(range.to), roundToMs(levels.lengthSec));
    const heard = voicedWithin(range, touching(voiced, range), levels);
    return {
      startSec: toSec(from),
      endSec,
      firstPacket: Math.round(from / PACKET_WINDOWS),
      voiced: heard.map((each) => ({ startSec: toSec(each.from), endSec: Math.min(toSec(each.to), endSec) })),
    };
  });
}

const pausesBetween = (voiced: readonly WindowRange[], windows: number): WindowRange[] =>
  [...voiced, { from: windows, to: windows }]
    .map(({ from }, at) => ({ from: voiced[at - 1]?.to ?? 0, to: from }))
    .filter(({ from, to }) => to - from >= (PAUSES_SEC.at(-1) as number) / WINDOW_SEC);

/** Where chunks end but the last one, in packets from the beginning. */
function findCuts({ loudness, lengthSec }: Levels, pauses: readonly WindowRange[], maxSec: number): number[] {
  const cuts: number[] = [];
  // Half a packet of what is rounded, and what decoders may add at the end.
  const longest = (maxSec - 2 * PACKET_SEC) / WINDOW_SEC;
  const least = Math.min(LEAST_SEC, longest * WINDOW_SEC * 0.1) / WINDOW_SEC;
  const end = lengthSec / WINDOW_SEC;
  for (let start = 0; end - start > longest; ) {
    const latest = Math.min(start + longest, end - least);
    const full = { from: start + LEAST_SHARE * longest, to: latest };
    const window =
      middleOfPause(touching(pauses, full), full) ??
      quietestMoment(loudness, { from: Math.ceil(start + LAST_SHARE * longest), to: Math.floor(latest) });
    const packets = Math.max(Math.round(window / PACKET_WINDOWS), Math.round(start / PACKET_WINDOWS) + 1);
    cuts.push(packets);
    start = packets * PACKET_WINDOWS;
  }
  return cuts;
}

/** Those of many ranges in order that have a part in another one; a track of hours has many thousands. */
function touching(ranges: readonly WindowRange[], { from, to }: WindowRange): WindowRange[] {
  const firstWhere = (isBehind: (range: WindowRange) => boolean): number => {
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBehind(ranges[middle] as WindowRange)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return ranges.slice(
    firstWhere((range) => range.to > from),
    firstWhere((range) => range.from >= to),
  );
}

/** As near to the middle as the range allows; null where no pause leaves enough on both sides. */
function middleOfPause(pauses: readonly WindowRange[], range: WindowRange): number | null {
  for (const pauseSec of PAUSES_SEC) {
    const margin = pauseSec / 2 / WINDOW_SEC;
    const middle = ({ from, to }: WindowRange) => Math.min(Math.max((from + to) / 2, range.from), range.to);
    const pause = pauses.findLast(
      (each) => middle(each) - each.from >= margin && each.to - middle(each) >= margin,
    );
    if (pause) return middle(pause);
  }
  return null;
}

function quietestMoment(loudness: Int8Array, { from, to }: WindowRange): number {
  let best = to;
  let least = Number.POSITIVE_INFINITY;
  for (let at = to; at >= from; at--) {
    const around = loudness.subarray(Math.max(0, at - MOMENT_WINDOWS), at + MOMENT_WINDOWS);
    const level = around.reduce((sum, each) => sum + each, 0) / around.length;
    if (level >= least) continue;
    [best, least] = [at, level];
  }
  return best;
}

/** What of the voiced ranges lies within a chunk; of one whose sounds are all faint, where they are heard at all. */
function voicedWithin(chunk: WindowRange, voiced: readonly WindowRange[], { peaks }: Levels): WindowRange[] {
  const heard = peaks.subarray(chunk.from, chunk.to);
  const isHeard = (peak: number) => peak >= HEARD_DB;
  const first = heard.findIndex(isHeard);
  if (first < 0) return [];
  const joined: WindowRange[] = [];
  for (const each of voiced) {
    const range = { from: Math.max(each.from, chunk.from), to: Math.min(each.to, chunk.to) };
    if (range.to <= range.from) continue;
    const last = joined.at(-1);
    if (last && (range.from - last.to) * WINDOW_SEC < JOINED_GAP_SEC) last.to = range.to;
    else joined.push(range);
  }
  if (joined.length > 0) return joined;
  return [{ from: chunk.from + first, to: chunk.from + heard.findLastIndex(isHeard) + 1 }];
}
