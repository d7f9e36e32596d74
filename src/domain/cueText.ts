/** What a text is made of for whoever has to break it: lines, units that stay whole, and how wide they are. */
import { UNSPACED_SCRIPTS } from './scripts.ts';

/** Of captions everywhere: what is longer is not read in time. */
export const MAX_LINE_COLUMNS = 42;

/** How good it is to break after a unit. */
export type BreakClass = 'sentence' | 'clause' | 'word';

/** A part of a text that is not broken. */
export interface TextUnit {
  text: string;
  /** Characters as people see them, those of East Asian scripts counted twice. */
  columns: number;
  /** For its share of the time. */
  characters: number;
  /** Whether a space stands before it, when it is not the first of its line. */
  isSpaced: boolean;
  breakAfter: BreakClass;
}

const LINE_BREAK = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/u;
/** Not those that are there to keep two words together. */
const SPACES = /[\t \u1680\u2000-\u2006\u2008-\u200a\u205f\u3000]+/gu;
const UNSEEN = /(?!\t)[\p{Cc}\ufeff\ufff9-\ufffb]/gu;
/** Every code unit is a character of its own: nothing in it combines with what stands beside it. A quick look saves a slow one. */
const PLAIN = /^[^\p{M}\p{Cf}\p{Cs}\u1100-\u11ff\ua960-\ua97f\ud7b0-\udfff\u{10000}-\u{10ffff}]*$/u;
const FIRST_WIDE = /[\u1100-\u{10ffff}]/u;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3001-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
/** Scripts that set no spaces between words, and their marks. */
const UNSPACED = new RegExp(`[${UNSPACED_SCRIPTS}\\u3001-\\u303f\\uff01-\\uff60]`, 'u');
/** Most words: they need no closer look. */
const SIMPLE = /^[A-Za-z0-9']+$/;
const OPENING = /^[\p{Ps}\p{Pi}]+$/u;
const SENTENCE_END = /[.!?…。！？｡؟۔।][\p{Pe}\p{Pf}"']*$/u;
const CLAUSE_END = /[,;:，、；：،–—][\p{Pe}\p{Pf}"']*$/u;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

/**
 * Gives a text as it may be shown and stored: without control characters, in lines that are not empty, with one space at a time.
 */
export const cleanText = (text: string): string =>
  text
    .toWellFormed()
    .split(LINE_BREAK)
    .map((line) => line.replace(UNSEEN, '').replace(SPACES, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');

/** Puts the lines of a clean text into one; scripts that set no spaces get none. */
export const unwrapText = (text: string): string =>
  text.replace(/\n/g, (_, at: number) =>
    UNSPACED.test(text.charAt(at - 1)) && UNSPACED.test(text.charAt(at + 1)) ? '' : ' ',
  );

/** How many columns a part of a line takes, by its places in the text. */
type Ruler = (from: number, to: number) => number;

/** Looks at a line once: each look of the segmenter costs as much as some fifty characters. */
function createRuler(line: string): Ruler {
  if (PLAIN.test(line) && !FIRST_WIDE.test(line)) return (from, to) => to - from;
  const before = new Uint32Array(line.length + 1);
  if (PLAIN.test(line)) {
    for (let at = 0; at < line.length; at += 1) before[at + 1] = columnsOf(line.charAt(at));
  } else {
    for (const { segment, index } of graphemes.segment(line)) before[index + 1] = columnsOf(segment);
  }
  for (let at = 1; at <= line.length; at += 1) before[at] = (before[at] ?? 0) + (before[at - 1] ?? 0);
  return (from, to) => (before[to] ?? 0) - (before[from] ?? 0);
}

const columnsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** How many columns a line takes: characters as people see them, an emoji of several signs being one. */
export const lineColumns = (line: string): number => createRuler(line)(0, line.length);

/** How many characters a text has for its share of the time; what takes no place has no share. */
export const countCharacters = (text: string): number => text.replace(/[\s\p{M}\p{Cf}]+/gu, '').length;

/** Gives the units of a clean text in one line. */
export function toUnits(line: string): TextUnit[] {
  const measure = createRuler(line);
  let from = 0;
  return line.split(' ').flatMap((token) => {
    const units: TextUnit[] = [];
    for (const part of partsOf(token)) {
      for (const text of cutToLine(part, measure(from, from + part.length))) {
        const columns = measure(from, from + text.length);
        units.push(describeUnit(text, columns, units.length === 0));
        from += text.length;
      }
    }
    from += 1;
    return units;
  });
}

/** Gives units as they stand in one line. */
export const joinUnits = (units: readonly TextUnit[]): string =>
  units.map(({ text, isSpaced }, index) => (isSpaced && index > 0 ? ` ${text}` : text)).join('');

function describeUnit(text: string, columns: number, isSpaced: boolean): TextUnit {
  if (SIMPLE.test(text)) return { text, columns, characters: text.length, isSpaced, breakAfter: 'word' };
  return {
    text,
    columns,
    characters: Math.max(1, countCharacters(text)),
    isSpaced,
    breakAfter: SENTENCE_END.test(text) ? 'sentence' : CLAUSE_END.test(text) ? 'clause' : 'word',
  };
}

/** Words of a script without spaces, each with the marks that belong to it. */
function partsOf(token: string): string[] {
  if (token === '') return [];
  if (SIMPLE.test(token) || !UNSPACED.test(token)) return [token];
  const parts: string[] = [];
  let opening = '';
  for (const { segment, isWordLike } of words.segment(token)) {
    if (OPENING.test(segment)) {
      opening += segment;
    } else if (isWordLike || opening !== '' || parts.length === 0) {
      parts.push(opening + segment);
      opening = '';
    } else {
      parts[parts.length - 1] += segment;
    }
  }
  return opening === '' ? parts : [...parts, opening];
}

/** What no line has room for is cut anywhere between two characters. */
function cutToLine(part: string, columns: number): string[] {
  if (columns <= MAX_LINE_COLUMNS) return [part];
  const pieces: string[] = [];
  let [piece, taken] = ['', 0];
  for (const { segment } of graphemes.segment(part)) {
    const more = columnsOf(segment);
    if (taken + more > MAX_LINE_COLUMNS) {
      pieces.push(piece);
      [piece, taken] = ['', 0];
    }
    piece += segment;
    taken += more;
  }
  return [...pieces, piece];
}
