/** Gives changed lines the times of those that they stand for. */
import { joinUnits } from './cueText.ts';
import { findOwners, type LineOwners } from './lineOwners.ts';
import type { TimeRange } from './speech.ts';
import { charactersOf, type PlacedUnit } from './textUnits.ts';
import { createTimeline, type TimedLength } from './timeline.ts';
import type { TranscriptSegment } from './transcript.ts';

/** A line of a text, and the segment that it is. */
export interface SpokenLine {
  line: string;
  segment: TranscriptSegment;
}

/** A line of a new text; null for one that stands for nothing that was there. */
export interface LaidLine {
  line: string;
  segment: TranscriptSegment | null;
}

/** A line of the new text, or the part of one that stands for one segment. */
interface Piece {
  owner: number;
  units: readonly PlacedUnit[];
  /** By unit: the old one that it is, or -1. */
  matched: Int32Array;
}

/** Pieces that stand for one segment together. */
interface Group {
  owner: number;
  pieces: Piece[];
  /** Nothing in them was there before. */
  isNew: boolean;
}

/** Lays lines over those that were there in their place, none of which is the same. */
export function layLines(old: readonly SpokenLine[], lines: readonly string[]): LaidLine[] {
  if (old.length === 0 || lines.length === 0) return lines.map((line) => ({ line, segment: null }));
  const found = findOwners(
    old.map(({ line }) => line),
    lines,
  );
  const groups = toGroups(toPieces(found));
  const unitsBefore = toLines(found.before);
  let free = 0;
  return groups.flatMap((group, index) => {
    const { owner, pieces } = group;
    if (owner < 0) return pieces.map(({ units }) => ({ line: joinUnits(units), segment: null }));
    const covered = coveredBy(group, { free, next: groups[index + 1], all: old.length });
    free = covered.last + 1;
    const { segment } = old[owner] as SpokenLine;
    const range = rangeOf(old.slice(covered.first, covered.last + 1), segment);
    if (pieces.length === 1) return [replaceText(old[owner] as SpokenLine, pieces[0] as Piece, range)];
    return timePieces(pieces, { segment, range, before: unitsBefore[owner] as OldUnits });
  });
}

/** What was written all anew has the time of what is gone beside it as well. */
function coveredBy(
  { owner, isNew }: Group,
  { free, next, all }: { free: number; next: Group | undefined; all: number },
): { first: number; last: number } {
  if (!isNew) return { first: owner, last: owner };
  const takesRest = next === undefined || (next.owner >= 0 && !next.isNew);
  return {
    first: Math.min(free, owner),
    last: takesRest ? Math.max(owner, (next?.owner ?? all) - 1) : owner,
  };
}

function rangeOf(covered: readonly SpokenLine[], { startSec, endSec }: TranscriptSegment): TimeRange {
  return {
    startSec: covered[0]?.segment.startSec ?? startSec,
    endSec: Math.max(endSec, covered.at(-1)?.segment.endSec ?? endSec),
  };
}

function toPieces({ after, owners, matched }: LineOwners): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const [index, { line }] of after.entries()) {
    if (after[index + 1]?.line === line && owners[index + 1] === owners[index]) continue;
    const units = after.slice(from, index + 1);
    pieces.push({ owner: owners[index] ?? -1, units, matched: matched.subarray(from, index + 1) });
    from = index + 1;
  }
  return pieces;
}

function toGroups(pieces: readonly Piece[]): Group[] {
  const groups: Group[] = [];
  for (const piece of pieces) {
    const { owner, matched } = piece;
    const isNew = matched.every((place) => place < 0);
    const last = groups.at(-1);
    if (last?.owner === owner) {
      last.pieces.push(piece);
      last.isNew &&= isNew;
    } else groups.push({ owner, pieces: [piece], isNew });
  }
  return groups;
}

/** What is the same as before keeps its lines and the times of its words. */
function replaceText({ line, segment }: SpokenLine, { units }: Piece, range: TimeRange): LaidLine {
  const text = joinUnits(units);
  const isSame = text === line && range.startSec === segment.startSec && range.endSec === segment.endSec;
  return { line: text, segment: isSame ? segment : retell(segment, text, range) };
}

function retell(
  { words: _, ...segment }: TranscriptSegment,
  text: string,
  range: TimeRange,
): TranscriptSegment {
  return { ...segment, startSec: range.startSec, endSec: range.endSec, text };
}

interface Whole {
  segment: TranscriptSegment;
  range: TimeRange;
  before: OldUnits;
}

/** Those of one segment. */
interface OldUnits {
  units: PlacedUnit[];
  /** Of the first of them among all. */
  from: number;
}

function toLines(units: readonly PlacedUnit[]): OldUnits[] {
  const lines: OldUnits[] = [];
  for (const [index, unit] of units.entries()) {
    lines[unit.line] ??= { units: [], from: index };
    lines[unit.line]?.units.push(unit);
  }
  return lines;
}

/** Parts the time of a segment: where one of its words begins or ends that stayed, else by the characters. */
function timePieces(pieces: readonly Piece[], { segment, range, before }: Whole): LaidLine[] {
  const timesOf = createUnitTimes(segment, before);
  const parts: TimedLength[] = [];
  let [length, startSec] = [0, range.startSec];
  for (const [index, { units, matched }] of pieces.entries()) {
    length += charactersOf(units);
    const next = pieces[index + 1];
    const knownSec = next
      ? (timesOf(next.matched[0])?.startSec ?? timesOf(matched.at(-1))?.endSec)
      : range.endSec;
    if (knownSec === undefined) continue;
    const endSec = Math.min(range.endSec, Math.max(startSec, knownSec));
    parts.push({ startSec, endSec, length });
    [length, startSec] = [0, endSec];
  }
  const timeline = createTimeline(parts);
  let place = 0;
  return pieces.map(({ units }) => {
    const from = timeline.startAt(place);
    place += charactersOf(units);
    const text = joinUnits(units);
    return { line: text, segment: retell(segment, text, { startSec: from, endSec: timeline.endAt(place) }) };
  });
}

/** When the words of a segment are said: as it says itself, else at an even pace. */
function createUnitTimes(
  { words = [], startSec, endSec }: TranscriptSegment,
  { units, from }: OldUnits,
): (place: number | undefined) => TimeRange | undefined {
  const isTimed =
    words.length === units.length && words.every(({ text }, index) => text.trim() === units[index]?.text);
  const base = (units[0]?.endsAt ?? 0) - (units[0]?.characters ?? 0);
  const timeline = createTimeline([{ startSec, endSec, length: charactersOf(units) }]);
  return (place = -1) => {
    const unit = units[place - from];
    if (place < 0 || !unit) return undefined;
    const to = unit.endsAt - base;
    return isTimed
      ? words[place - from]
      : { startSec: timeline.startAt(to - unit.characters), endSec: timeline.endAt(to) };
  };
}
