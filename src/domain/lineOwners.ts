/** Which of the old lines each word of a changed text stands for. */
import { matchItems } from './matchItems.ts';
import { charactersOf, type PlacedUnit, placeUnits, shareUnits } from './textUnits.ts';

/** The share of either line that two lines have to have in common: any two have an "and". */
const LEAST_IN_COMMON = 0.3;
/** Words that were written anew belong to the line they stand in, unless they are more than this times what they replace, and more. */
const MOST_TIMES_LONGER = 2;
const MOST_CHARACTERS_LONGER = 20;

/** What two texts are made of, and what belongs together. */
export interface LineOwners {
  before: readonly PlacedUnit[];
  after: readonly PlacedUnit[];
  /** By new unit: the old unit that it is, or -1. */
  matched: Int32Array;
  /** By new unit: the old line whose time it gets, ascending, or -1 for none. */
  owners: Int32Array;
}

/** A range of the new units. */
interface Run {
  from: number;
  to: number;
}

/** Most words: they need no closer look. */
const SIMPLE = /^[a-z0-9]+$/;

/** How words are compared: their case and punctuation are no other words. */
const fold = (text: string): string =>
  SIMPLE.test(text) ? text : text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, '') || text;

/** Finds for each unit of new lines the old line that it stands for; each has a text. */
export function findOwners(oldLines: readonly string[], newLines: readonly string[]): LineOwners {
  const [before, after] = [placeUnits(oldLines), placeUnits(newLines)];
  const matched = dropChance({
    ...{ before, after },
    matched: matchItems(
      before.map(({ text }) => fold(text)),
      after.map(({ text }) => fold(text)),
    ),
  });
  const isPaired = oldLines.length === newLines.length && !isMoved({ before, after, matched });
  const owners = isPaired
    ? Int32Array.from(after, ({ line }) => line)
    : new Owning({ before, after, matched }, lengthsOf(before, oldLines.length)).run();
  return { before, after, matched, owners };
}

type Matched = Omit<LineOwners, 'owners'>;

function lengthsOf(units: readonly PlacedUnit[], lines: number): number[] {
  const lengths = new Array<number>(lines).fill(0);
  for (const { line, characters } of units) lengths[line] = (lengths[line] ?? 0) + characters;
  return lengths;
}

/** Leaves out what is the same in lines that have little in common. */
function dropChance({ before, after, matched }: Matched): Int32Array {
  const [oldLengths, newLengths] = [before, after].map((units) =>
    lengthsOf(units, (units.at(-1)?.line ?? -1) + 1),
  ) as [number[], number[]];
  const common = new Map<number, number>();
  const pairAt = (index: number): number =>
    (before[matched[index] ?? -1]?.line ?? 0) * newLengths.length + (after[index]?.line ?? 0);
  for (const [index, { characters }] of after.entries()) {
    if ((matched[index] ?? -1) < 0) continue;
    common.set(pairAt(index), (common.get(pairAt(index)) ?? 0) + characters);
  }
  return matched.map((place, index) => {
    if (place < 0) return -1;
    const shorter = Math.min(
      oldLengths[before[place]?.line ?? 0] ?? 0,
      newLengths[after[index]?.line ?? 0] ?? 0,
    );
    return (common.get(pairAt(index)) ?? 0) >= shorter * LEAST_IN_COMMON ? place : -1;
  });
}

/** Whether most of what stayed is in a line of another number than before. */
function isMoved({ before, after, matched }: Matched): boolean {
  let [there, elsewhere] = [0, 0];
  for (const [index, { line, characters }] of after.entries()) {
    const oldLine = before[matched[index] ?? -1]?.line;
    if (oldLine === line) there += characters;
    else if (oldLine !== undefined) elsewhere += characters;
  }
  return elsewhere > there;
}

class Owning {
  readonly #texts: Matched;
  /** Of the old lines, in characters. */
  readonly #lengths: readonly number[];
  readonly #owners: Int32Array;
  /** By old unit: whether a new one is the same. */
  readonly #isKept: Uint8Array;

  constructor(texts: Matched, lengths: readonly number[]) {
    this.#texts = texts;
    this.#lengths = lengths;
    this.#owners = texts.matched.map((place) => texts.before[place]?.line ?? -1);
    this.#isKept = new Uint8Array(texts.before.length);
    for (const place of texts.matched) if (place >= 0) this.#isKept[place] = 1;
  }

  run(): Int32Array {
    const lines = this.#toLines();
    const isFresh = lines.map((line) => this.#firstKnown(line) < 0);
    for (const [index, line] of lines.entries()) {
      if (!isFresh[index]) this.#fillKnown(line, { start: !isFresh[index - 1], end: !isFresh[index + 1] });
    }
    let from = 0;
    for (const [index, line] of lines.entries()) {
      if (!isFresh[index]) from = index + 1;
      else if (!isFresh[index + 1]) this.#fillFresh(lines.slice(from, index + 1), line.to);
    }
    return this.#owners;
  }

  #toLines(): Run[] {
    const lines: Run[] = [];
    for (const [index, { isLastOfLine }] of this.#texts.after.entries()) {
      if (isLastOfLine) lines.push({ from: lines.at(-1)?.to ?? 0, to: index + 1 });
    }
    return lines;
  }

  #firstKnown({ from, to }: Run): number {
    for (let at = from; at < to; at += 1) if ((this.#owners[at] ?? -1) >= 0) return at;
    return -1;
  }

  /** The owner of the first unit from one on that has one. */
  #nextOwner(from: number): number {
    const next = this.#firstKnown({ from, to: this.#owners.length });
    return next < 0 ? this.#lengths.length : (this.#owners[next] ?? 0);
  }

  /** Gives what is new in a line to what it stands beside, or also to lines that are gone on an `open` side. */
  #fillKnown(line: Run, open: { start: boolean; end: boolean }): void {
    for (let at = line.from; at < line.to; at += 1) {
      if ((this.#owners[at] ?? -1) >= 0) continue;
      const next = this.#firstKnown({ from: at, to: line.to });
      const run = { from: at, to: next < 0 ? line.to : next };
      if (at === line.from) this.#fillStart(run, open.start);
      else if (next < 0) this.#fillEnd(run, open.end);
      else this.#share(run, this.#partsBetween(at - 1, next));
      at = run.to - 1;
    }
  }

  #fillStart(run: Run, isOpen: boolean): void {
    const owner = this.#owners[run.to] ?? 0;
    const gone = isOpen ? this.#wholeLines((this.#owners[run.from - 1] ?? -1) + 1, owner) : [];
    const head = { owner, length: this.#headLength(run.to) };
    this.#share(run, this.#isLonger(run, head.length) ? [...gone, head] : [head]);
  }

  #fillEnd(run: Run, isOpen: boolean): void {
    const owner = this.#owners[run.from - 1] ?? 0;
    const tail = { owner, length: this.#tailLength(run.from - 1) };
    const gone =
      isOpen && this.#isLonger(run, tail.length) ? this.#wholeLines(owner + 1, this.#nextOwner(run.to)) : [];
    this.#share(run, [tail, ...gone]);
  }

  #partsBetween(left: number, right: number): Part[] {
    const [first, last] = [this.#owners[left] ?? 0, this.#owners[right] ?? 0];
    if (first === last) return [{ owner: first, length: 1 }];
    const [tail, head] = [this.#tailLength(left), this.#headLength(right)];
    return [
      { owner: first, length: tail },
      ...this.#wholeLines(first + 1, last),
      { owner: last, length: head },
    ];
  }

  /** Lines of which nothing stayed stand for old ones of which nothing stayed, where there are some at their place. */
  #fillFresh(lines: readonly Run[], to: number): void {
    const from = lines[0]?.from ?? 0;
    const gone = this.#wholeLines((this.#owners[from - 1] ?? -1) + 1, this.#nextOwner(to));
    if (gone.length !== lines.length) this.#share({ from, to }, gone);
    else
      for (const [index, line] of lines.entries())
        this.#owners.fill(gone[index]?.owner ?? -1, line.from, line.to);
  }

  #share({ from, to }: Run, parts: readonly Part[]): void {
    if (parts.length === 0) return;
    const getters = shareUnits(
      this.#texts.after.slice(from, to),
      parts.map(({ length }) => length),
    );
    for (const [index, getter] of getters.entries()) this.#owners[from + index] = parts[getter]?.owner ?? -1;
  }

  #isLonger({ from, to }: Run, length: number): boolean {
    const characters = charactersOf(this.#texts.after.slice(from, to));
    return characters > length * MOST_TIMES_LONGER + MOST_CHARACTERS_LONGER;
  }

  #wholeLines(from: number, to: number): Part[] {
    const parts: Part[] = [];
    for (let owner = from; owner < to; owner += 1) parts.push({ owner, length: this.#lengths[owner] ?? 0 });
    return parts;
  }

  /** What of its old line is gone right before the unit that a new one is. */
  #headLength(index: number): number {
    return this.#goneLength(this.#texts.matched[index] ?? -1, -1);
  }

  #tailLength(index: number): number {
    return this.#goneLength(this.#texts.matched[index] ?? -1, 1);
  }

  #goneLength(place: number, step: 1 | -1): number {
    const { before } = this.#texts;
    let length = 0;
    for (let at = place + step; before[at]?.line === before[place]?.line && !this.#isKept[at]; at += step) {
      length += before[at]?.characters ?? 0;
    }
    return length;
  }
}

/** An old line, or what of it is gone, in characters. */
interface Part {
  owner: number;
  length: number;
}
