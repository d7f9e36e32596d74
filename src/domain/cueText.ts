/** What a text is made of for whoever has to break it: lines, units that stay whole, and how wide they are. */

/** Of captions everywhere: what is longer is not read in time. */
export const MAX_LINE_COLUMNS = 42;

/** How good it is to break after a unit. */
export type BreakClass = 'sentence' | 'clause' | 'word';

/** A part of a text that is not broken. */
export interface TextUnit {
  text: string;
  /** In columns: characters as people see them, those of East Asian scripts counted twice. */
  columns: number;
  /** In characters, for its share of the time. */
  characters: number;
  /** Whether a space stands before it, when it is not the first of its line. */
  isSpaced: boolean;
  breakAfter: BreakClass;
}

const LINE_BREAK = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/u;
/** Not those that are there to keep two words together. */
const SPACES = /[\t \u1680\u2000-\u2006\u2008-\u200a\u205f\u3000]+/gu;
const UNSEEN = /[\p{Cc}\ufeff\ufff9-\ufffb]/gu;
/** Every code unit is a character of its own: nothing in it combines with what stands beside it. A quick look saves a slow one. */
const PLAIN = /^[^\p{M}\p{Cf}\p{Cs}\u1100-\u11ff\ua960-\ua97f\ud7b0-\udfff\u{10000}-\u{10ffff}]*$/u;
const FIRST_WIDE = /[\u1100-\u{10ffff}]/u;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3001-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
/** Scripts that set no spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u3001-\u303f\uff01-\uff60]/u;
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
    .map((line) => line.replace(SPACES, ' ').replace(UNSEEN, '').trim())
    .filter((line) => line !== '')
    .join('\n');

/** Puts the lines of a clean text into one; scripts that set no spaces get none. */
export const unwrapText = (text: string): string =>
  text.replace(/\n/g, (_, at: number) =>
    UNSPACED.test(text.charAt(at - 1)) && UNSPACED.test(text.charAt(at + 1)) ? '' : ' ',
  );

/** Gives the characters as people see them: an emoji of several signs is one. */
const charactersOf = (text: string): string[] =>
  PLAIN.test(text) ? text.split('') : Array.from(graphemes.segment(text), ({ segment }) => segment);

const columnsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** How many columns a line takes. */
export const lineColumns = (line: string): number =>
  PLAIN.test(line) && !FIRST_WIDE.test(line)
    ? line.length
    : charactersOf(line).reduce((sum, character) => sum + columnsOf(character), 0);

const characterCount = (text: string): number => (PLAIN.test(text) ? text.length : charactersOf(text).length);

/** How many characters a text has, spaces aside. */
export const countCharacters = (text: string): number => characterCount(text.replace(/\s+/gu, ''));

/** Gives the units of a clean text in one line. */
export const toUnits = (line: string): TextUnit[] =>
  line
    .split(' ')
    .filter((token) => token !== '')
    .flatMap((token) =>
      partsOf(token)
        .flatMap(cutToLine)
        .map((text, index) => describeUnit(text, index === 0)),
    );

/** Gives units as they stand in one line. */
export const joinUnits = (units: readonly TextUnit[]): string =>
  units.map(({ text, isSpaced }, index) => (isSpaced && index > 0 ? ` ${text}` : text)).join('');

function describeUnit(text: string, isSpaced: boolean): TextUnit {
  if (SIMPLE.test(text)) {
    return { text, columns: text.length, characters: text.length, isSpaced, breakAfter: 'word' };
  }
  return {
    text,
    columns: lineColumns(text),
    characters: characterCount(text),
    isSpaced,
    breakAfter: SENTENCE_END.test(text) ? 'sentence' : CLAUSE_END.test(text) ? 'clause' : 'word',
  };
}

/** Words of a script without spaces, each with the marks that belong to it. */
function partsOf(token: string): string[] {
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
function cutToLine(part: string): string[] {
  if (part.length <= MAX_LINE_COLUMNS / 2 || lineColumns(part) <= MAX_LINE_COLUMNS) return [part];
  const pieces: string[] = [];
  let piece: string[] = [];
  let columns = 0;
  for (const character of charactersOf(part)) {
    const more = columnsOf(character);
    if (columns + more > MAX_LINE_COLUMNS) {
      pieces.push(piece.join(''));
      [piece, columns] = [[], 0];
    }
    piece.push(character);
    columns += more;
  }
  return [...pieces, piece.join('')];
}
