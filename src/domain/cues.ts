/** Breaks what is said into cues: pieces that can be read while they are shown. */
import {
  type BreakClass,
  cleanText,
  countCharacters,
  joinUnits,
  lineColumns,
  MAX_LINE_COLUMNS,
  type TextUnit,
  toUnits,
  unwrapText,
} from './cueText.ts';
import { createTimeline, type TimedLength } from './timeline.ts';
import type { TranscriptSegment } from './transcript.ts';

/** What is shown at once. */
export interface Cue {
  startMs: number;
  endMs: number;
  /** One or two. */
  lines: string[];
  speaker?: string;
}

/** Longer, and people read it a second time; shorter, and they do not read it to its end. */
const MAX_CUE_MS = 7000;
const MIN_CUE_MS = 1000;
/** Where nobody speaks for so long, a cue may end as well as after a sentence. */
const PAUSE_MS = 700;

/**
 * What one more cue costs, what it costs to end one in a bad place, the more so with the beginning of another sentence, and to show
 * one too shortly or half empty.
 */
const COST = {
  cue: 4,
  breakAfter: { sentence: 0, clause: 4, word: 12 },
  torn: 8,
  haste: 15,
  emptiness: 4,
} as const;
/** In columns of difference that the two lines of a cue may have for the sake of a better place. */
const LINE_COST: Record<BreakClass, number> = { sentence: 0, clause: 4, word: 12 };

interface TimedUnit extends TextUnit {
  startMs: number;
  endMs: number;
}

const toMs = (sec: number): number => Math.round(sec * 1000);

/**
 * Breaks segments into cues of at most two lines of 42 columns and seven seconds, at ends of sentences where that can be, else at
 * commas, else between words. They come in the order of time. A segment that fits is one cue, with the lines it has; none reaches
 * from one segment into the next, so that each has one speaker. The cues of one segment never overlap; where segments do, since
 * two speak at once, their cues do too, and are shown together: each stays with what is heard.
 */
export function toCues(segments: readonly TranscriptSegment[]): Cue[] {
  const cues = segments.flatMap((segment) => separateCues(breakSegment(segment)));
  return lingerCues(cues.sort(compareTimes)).sort(compareTimes);
}

/** The "text track cue order" of HTML: of two that begin at once, the one that stays longer is the first. */
const compareTimes = (a: Cue, b: Cue): number => a.startMs - b.startMs || b.endMs - a.endMs;

function breakSegment(segment: TranscriptSegment): Cue[] {
  const text = cleanText(segment.text);
  if (text === '') return [];
  const [startMs, endMs] = [toMs(segment.startSec), toMs(segment.endSec)];
  const speaker = unwrapText(cleanText(segment.speaker ?? ''));
  const said = speaker === '' ? {} : { speaker };
  const lines = text.split('\n');
  const isReadable = lines.length <= 2 && lines.every((line) => lineColumns(line) <= MAX_LINE_COLUMNS);
  if (isReadable && endMs - startMs <= MAX_CUE_MS) return [{ startMs, endMs, lines, ...said }];
  const units = timeUnits(toUnits(unwrapText(text)), segment);
  return chooseBreaks(units).map(({ from, to }) => {
    const shown = units.slice(from, to);
    const beginMs = shown[0]?.startMs ?? startMs;
    const stopMs = Math.min(shown.at(-1)?.endMs ?? endMs, beginMs + MAX_CUE_MS);
    return { startMs: beginMs, endMs: stopMs, lines: breakLines(shown), ...said };
  });
}

/** Gives each unit its time: that of its words, or else its share of the segment. */
function timeUnits(units: readonly TextUnit[], segment: TranscriptSegment): TimedUnit[] {
  const { startSec, endSec, words = [] } = segment;
  const spoken: TimedLength[] = words.map((word) => ({ ...word, length: countCharacters(word.text) }));
  const ofWords = createTimeline(spoken);
  const timeline = ofWords.length > 0 ? ofWords : createTimeline([{ startSec, endSec, length: 1 }]);
  const total = units.reduce((sum, { characters }) => sum + characters, 0);
  const within = (sec: number) => Math.min(toMs(endSec), Math.max(toMs(startSec), toMs(sec)));
  let place = 0;
  let lastMs = 0;
  return units.map((unit) => {
    const from = (place / total) * timeline.length;
    place += unit.characters;
    const startMs = Math.max(lastMs, within(timeline.startAt(from)));
    const endMs = Math.max(startMs, within(timeline.endAt((place / total) * timeline.length)));
    lastMs = startMs;
    return { ...unit, startMs, endMs };
  });
}

interface Piece {
  from: number;
  to: number;
}

/** Chooses the cheapest way to break the units into cues; every unit is reached from all those that a cue up to it may begin with. */
function chooseBreaks(units: readonly TimedUnit[]): Piece[] {
  const cheapest = new Float64Array(units.length + 1).fill(Number.POSITIVE_INFINITY);
  const cameFrom = new Int32Array(units.length + 1);
  const breakCosts = units.map((unit, at) => breakCost(unit, units[at + 1]));
  const sentences = countSentences(units);
  cheapest[0] = 0;
  for (let from = 0; from < units.length; from += 1) {
    const beginMs = units[from]?.startMs ?? 0;
    const soFar = cheapest[from] ?? 0;
    const room = createRoom();
    for (let at = from; at < units.length; at += 1) {
      const unit = units[at] as TimedUnit;
      const shownMs = unit.endMs - beginMs;
      // The first unit alone always is a cue.
      if (!room.take(unit) || (at > from && shownMs > MAX_CUE_MS)) break;
      const badEnd = breakCosts[at] ?? 0;
      const isTorn = badEnd > 0 && sentences[at] !== sentences[from];
      const cost = soFar + badEnd + (isTorn ? COST.torn : 0) + shapeCost(shownMs, room.columns);
      if (cost >= (cheapest[at + 1] ?? 0)) continue;
      cheapest[at + 1] = cost;
      cameFrom[at + 1] = from;
    }
  }
  return followBack(cameFrom);
}

/** Gives the pieces of the cheapest way, by where each of its ends came from. */
function followBack(cameFrom: Int32Array): Piece[] {
  const pieces: Piece[] = [];
  for (let to = cameFrom.length - 1; to > 0; to = cameFrom[to] ?? 0) {
    pieces.push({ from: cameFrom[to] ?? 0, to });
  }
  return pieces.reverse();
}

/** The two lines of a cue, filled from their beginning. */
function createRoom() {
  let [lines, inLine] = [1, 0];
  return {
    columns: 0,
    /** @returns whether there was room for it */
    take({ columns, isSpaced }: TextUnit): boolean {
      const more = columns + (isSpaced && inLine > 0 ? 1 : 0);
      const isNextLine = inLine + more > MAX_LINE_COLUMNS;
      inLine = isNextLine ? columns : inLine + more;
      if (isNextLine) lines += 1;
      this.columns += more;
      return lines <= 2;
    },
  };
}

/** How many sentences have ended before each unit. */
function countSentences(units: readonly TimedUnit[]): Int32Array {
  const ended = new Int32Array(units.length);
  for (let at = 1; at < units.length; at += 1) {
    ended[at] = (ended[at - 1] ?? 0) + (units[at - 1]?.breakAfter === 'sentence' ? 1 : 0);
  }
  return ended;
}

const breakCost = (unit: TimedUnit, next: TimedUnit | undefined): number =>
  !next || next.startMs - unit.endMs >= PAUSE_MS ? 0 : COST.breakAfter[unit.breakAfter];

const shapeCost = (shownMs: number, columns: number): number =>
  COST.cue +
  COST.haste * Math.max(0, 1 - shownMs / MIN_CUE_MS) +
  COST.emptiness * Math.max(0, 1 - columns / (2 * MAX_LINE_COLUMNS)) ** 2;

/** One line, or two of about the same width, broken in a good place. */
function breakLines(units: readonly TextUnit[]): string[] {
  const columns = units.reduce(
    (sum, unit, index) => sum + unit.columns + (unit.isSpaced && index > 0 ? 1 : 0),
    0,
  );
  if (columns <= MAX_LINE_COLUMNS) return [joinUnits(units)];
  let best = { cost: Number.POSITIVE_INFINITY, at: units.length };
  let upper = 0;
  for (const [index, unit] of units.slice(0, -1).entries()) {
    upper += unit.columns + (unit.isSpaced && index > 0 ? 1 : 0);
    const lower = columns - upper - (units[index + 1]?.isSpaced ? 1 : 0);
    if (upper > MAX_LINE_COLUMNS || lower > MAX_LINE_COLUMNS) continue;
    const cost = Math.abs(upper - lower) + LINE_COST[unit.breakAfter];
    if (cost < best.cost) best = { cost, at: index + 1 };
  }
  return [joinUnits(units.slice(0, best.at)), joinUnits(units.slice(best.at))];
}

/** Ends each cue of a segment where the next one begins, and lets none begin before the one before it was there for a while. */
function separateCues(cues: readonly Cue[]): Cue[] {
  const apart: Cue[] = [];
  for (const cue of cues) {
    const before = apart.at(-1);
    const next = { ...cue };
    if (before && next.startMs < before.endMs) {
      const shareMs = Math.min(MIN_CUE_MS, Math.floor((next.endMs - before.startMs) / 2));
      before.endMs = Math.min(before.endMs, Math.max(next.startMs, before.startMs + Math.max(1, shareMs)));
      next.startMs = Math.max(next.startMs, before.endMs);
    }
    next.endMs = Math.max(next.endMs, next.startMs + 1);
    apart.push(next);
  }
  return apart;
}

/** Lets what is shown too shortly stay for a second, if nothing else comes; what begins with it, is shown with it. */
function lingerCues(cues: readonly Cue[]): Cue[] {
  let nextMs = Number.POSITIVE_INFINITY;
  let startMs = Number.POSITIVE_INFINITY;
  return cues
    .toReversed()
    .map((cue) => {
      if (cue.startMs < startMs) [nextMs, startMs] = [startMs, cue.startMs];
      return { ...cue, endMs: Math.max(cue.endMs, Math.min(startMs + MIN_CUE_MS, nextMs)) };
    })
    .reverse();
}
