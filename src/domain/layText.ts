/** Gives times to a text that comes without any. */
import {
  type BreakClass,
  cleanText,
  countCharacters,
  joinUnits,
  type TextUnit,
  toUnits,
  unwrapText,
} from './cueText.ts';
import type { TimeRange } from './speech.ts';
import { createTimeline } from './timeline.ts';
import type { TranscriptSegment } from './transcript.ts';

/** In characters: how far a break may lie from its share for the sake of a better place. */
const BREAK_COST: Record<BreakClass | 'line', number> = { line: 0, sentence: 2, clause: 8, word: 14 };
/** In units to both sides. */
const SEARCHED_UNITS = 12;

/**
 * Lays a text over the times of what was there before: line by line where it has as many lines as that had segments, else by its share
 * of the characters, broken near where the segments end. Without anything before, its sentences share the range.
 */
export function layText(
  text: string,
  before: readonly TranscriptSegment[],
  range: TimeRange,
): TranscriptSegment[] {
  const lines = cleanText(text)
    .split('\n')
    .filter((line) => line !== '');
  const spoken = before.filter((segment) => cleanText(segment.text) !== '');
  if (spoken.length === 0) return spreadText(lines, range);
  if (lines.length === spoken.length) {
    return spoken.map((segment, index) => replaceText(segment, lines[index] ?? ''));
  }
  return shareText(lines, spoken);
}

/**
 * Gives the part of a segment's text that is said at certain times, going by its share of the characters: the words that
 * were not timed by anybody are taken to be said at an even pace.
 *
 * @param isSaid whether to keep a word of these times
 */
export function keepText(
  { text, ...range }: TimeRange & { text: string },
  isSaid: (word: TimeRange) => boolean,
): string {
  const units = placeUnits(cleanText(text).split('\n'));
  const timeline = createTimeline([{ ...range, length: units.at(-1)?.endsAt ?? 0 }]);
  const kept = units.filter(({ characters, endsAt }) =>
    isSaid({ startSec: timeline.startAt(endsAt - characters), endSec: timeline.endAt(endsAt) }),
  );
  return kept.length === units.length ? text : joinLines(kept);
}

/** Whether words are those of a text, in its order. */
export const doWordsSpell = (words: readonly { text: string }[], text: string): boolean =>
  words
    .map((word) => word.text)
    .join('')
    .replace(/\s+/gu, '') === text.replace(/\s+/gu, '');

/** What is the same as before keeps its lines and the times of its words. */
function replaceText(segment: TranscriptSegment, line: string): TranscriptSegment {
  if (line === unwrapText(cleanText(segment.text))) return segment;
  const { words: _, ...rest } = segment;
  return { ...rest, text: line };
}

function spreadText(lines: readonly string[], range: TimeRange): TranscriptSegment[] {
  const sentences = lines.flatMap(toSentences);
  const lengths = sentences.map((sentence) => Math.max(1, countCharacters(sentence)));
  const timeline = createTimeline([{ ...range, length: lengths.reduce((sum, length) => sum + length, 0) }]);
  let place = 0;
  return sentences.map((text, index) => {
    const startSec = timeline.startAt(place);
    place += lengths[index] ?? 0;
    return { startSec, endSec: timeline.endAt(place), text };
  });
}

function toSentences(line: string): string[] {
  const sentences: string[] = [];
  let units: TextUnit[] = [];
  for (const unit of toUnits(line)) {
    units.push(unit);
    if (unit.breakAfter !== 'sentence') continue;
    sentences.push(joinUnits(units));
    units = [];
  }
  return units.length === 0 ? sentences : [...sentences, joinUnits(units)];
}

interface PlacedUnit extends TextUnit {
  /** Where it ends, in characters from the beginning. */
  endsAt: number;
  isLastOfLine: boolean;
}

function placeUnits(lines: readonly string[]): PlacedUnit[] {
  let endsAt = 0;
  return lines.flatMap((line) =>
    toUnits(line).map((unit, index, all) => {
      endsAt += unit.characters;
      return { ...unit, endsAt, isLastOfLine: index === all.length - 1 };
    }),
  );
}

/** Each segment gets its share of the text; one that gets nothing is left out. */
function shareText(lines: readonly string[], spoken: readonly TranscriptSegment[]): TranscriptSegment[] {
  const units = placeUnits(lines);
  const lengths = spoken.map(({ text }) => Math.max(1, countCharacters(text)));
  const before = lengths.reduce((sum, length) => sum + length, 0);
  const scale = (units.at(-1)?.endsAt ?? 0) / before;
  let [place, from] = [0, 0];
  return spoken.flatMap(({ words: _, ...segment }, index) => {
    place += lengths[index] ?? 0;
    const to = index === spoken.length - 1 ? units.length : breakNear(units, place * scale, from);
    const said = units.slice(from, to);
    from = to;
    return said.length === 0 ? [] : [{ ...segment, text: joinLines(said) }];
  });
}

/** Finds the best place for a break near one in the text. @returns the index of the unit after it */
function breakNear(units: readonly PlacedUnit[], place: number, from: number): number {
  let nearest = from;
  while (nearest < units.length && (units[nearest]?.endsAt ?? 0) < place) nearest += 1;
  let best = { cost: Math.abs((units[from - 1]?.endsAt ?? 0) - place), at: from };
  const last = Math.min(units.length, nearest + SEARCHED_UNITS);
  for (let at = Math.max(from, nearest - SEARCHED_UNITS) + 1; at <= last; at += 1) {
    const unit = units[at - 1] as PlacedUnit;
    const cost = Math.abs(unit.endsAt - place) + BREAK_COST[unit.isLastOfLine ? 'line' : unit.breakAfter];
    if (cost < best.cost) best = { cost, at };
  }
  return best.at;
}

function joinLines(units: readonly PlacedUnit[]): string {
  const lines: PlacedUnit[][] = [[]];
  for (const unit of units) {
    lines.at(-1)?.push(unit);
    if (unit.isLastOfLine) lines.push([]);
  }
  return lines
    .filter((line) => line.length > 0)
    .map(joinUnits)
    .join('\n');
}
