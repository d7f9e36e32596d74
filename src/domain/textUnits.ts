/** The units of several lines, each with its place in the whole, and how they are shared out. */
import { type BreakClass, joinUnits, type TextUnit, toUnits } from './cueText.ts';

/** In characters: how far a break may lie from its share for the sake of a better place. */
const BREAK_COST: Record<BreakClass | 'line', number> = { line: 0, sentence: 2, clause: 8, word: 14 };
/** In units to both sides. */
const SEARCHED_UNITS = 12;

export interface PlacedUnit extends TextUnit {
  /** Which line it is in. */
  line: number;
  /** Where it ends, in characters from the beginning. */
  endsAt: number;
  isLastOfLine: boolean;
}

/** Gives the units of clean lines, one after the other. */
export function placeUnits(lines: readonly string[]): PlacedUnit[] {
  const placed: PlacedUnit[] = [];
  let endsAt = 0;
  for (const [line, text] of lines.entries()) {
    for (const { text: part, columns, characters, isSpaced, breakAfter } of toUnits(text)) {
      endsAt += characters;
      placed.push({
        text: part,
        columns,
        characters,
        isSpaced,
        breakAfter,
        line,
        endsAt,
        isLastOfLine: false,
      });
    }
    const last = placed.at(-1);
    if (last?.line === line) last.isLastOfLine = true;
  }
  return placed;
}

/** Puts units together again, in their lines. */
export function joinLines(units: readonly PlacedUnit[]): string {
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

/** The characters of some units that follow each other. */
export const charactersOf = (units: readonly PlacedUnit[]): number =>
  units.reduce((sum, { characters }) => sum + characters, 0);

/**
 * Shares units out by the lengths of what gets them, broken in good places near the shares.
 *
 * @param lengths of at least one
 * @returns for each unit which one gets it, ascending; some may get nothing
 */
export function shareUnits(units: readonly PlacedUnit[], lengths: readonly number[]): Int32Array {
  const all = lengths.reduce((sum, length) => sum + length, 0);
  const base = (units[0]?.endsAt ?? 0) - (units[0]?.characters ?? 0);
  const scale = all === 0 ? 0 : charactersOf(units) / all;
  const getters = new Int32Array(units.length).fill(lengths.length - 1);
  let [place, from] = [0, 0];
  for (const [index, length] of lengths.slice(0, -1).entries()) {
    place += length;
    const to = breakNear(units, base, { place: base + place * scale, from });
    getters.fill(index, from, to);
    from = to;
  }
  return getters;
}

/** Finds the best place for a break near one in the text. @returns the index of the unit after it */
function breakNear(
  units: readonly PlacedUnit[],
  base: number,
  { place, from }: { place: number; from: number },
): number {
  let nearest = from;
  while (nearest < units.length && (units[nearest]?.endsAt ?? 0) < place) nearest += 1;
  let best = { cost: Math.abs((units[from - 1]?.endsAt ?? base) - place), at: from };
  const last = Math.min(units.length, nearest + SEARCHED_UNITS);
  for (let at = Math.max(from, nearest - SEARCHED_UNITS) + 1; at <= last; at += 1) {
    const unit = units[at - 1] as PlacedUnit;
    const cost = Math.abs(unit.endsAt - place) + BREAK_COST[unit.isLastOfLine ? 'line' : unit.breakAfter];
    if (cost < best.cost) best = { cost, at };
  }
  return best.at;
}
