import { BEYOND } from '../domain/searchDocument.ts';
import type { SearchQuery, SearchTerm } from '../domain/searchQuery.ts';
import { fullWord } from './searchIndex.ts';

/** Of each word the form that the index has, and whether it says nothing by itself, as "the" does. */
export type Lexemes = ReadonlyMap<string, { lexeme: string; isCommon: boolean }>;

/** One question, as Postgres is asked it; all but `shown` are written as `tsquery`. */
export interface WrittenQueries {
  /** For the index alone, which knows no order of words: what may match. */
  index: string;
  /** What does match, where that is less. */
  exact: string | null;
  rank: string;
  /** What is looked for in the segments. */
  shown: string[];
}

/** Writes a question of one owner's videos. */
export function writeQueries(query: SearchQuery, ownerWord: string, lexemes: Lexemes): WrittenQueries {
  const groups = query.map((terms) => withoutCommon(terms, lexemes));
  const hasOrder = groups.flat().some(({ words }) => words.length > 1);
  const exact = writeGroups(groups, (term) => writeExact(term, lexemes));
  const wanted = groups.flat().filter((term) => !term.isExcluded);
  const shown = telling(
    wanted.flatMap(({ words }) => words.map(({ word }) => word)),
    lexemes,
  );
  const mayMatch = hasOrder ? writeCandidates(groups, lexemes) : exact;
  return {
    index: mayMatch ? `${quote(ownerWord)} & (${mayMatch})` : quote(ownerWord),
    exact: hasOrder ? exact : null,
    rank: shown.map(quote).join(' | '),
    shown,
  };
}

/** Whoever writes "the sea" finds also what only has "sea", unless the quotes are there. */
function withoutCommon(terms: SearchTerm[], lexemes: Lexemes): SearchTerm[] {
  const isCommon = ({ words, isQuoted }: SearchTerm) =>
    !isQuoted && words.every(({ word }) => lexemes.get(word)?.isCommon);
  const isTelling = (term: SearchTerm) => !term.isExcluded && !isCommon(term);
  return terms.some(isTelling) ? terms.filter((term) => term.isExcluded || !isCommon(term)) : terms;
}

/** Gives the lexemes of words without the common ones, as long as any is left. */
function telling(words: string[], lexemes: Lexemes): string[] {
  const all = words.flatMap((word) => lexemes.get(word) ?? []);
  const some = all.filter(({ isCommon }) => !isCommon);
  return [...new Set((some.length > 0 ? some : all).map(({ lexeme }) => lexeme))];
}

/** All words that must be there, in any order; what is excluded is not for this to say. Null when that is everything. */
function writeCandidates(groups: SearchTerm[][], lexemes: Lexemes): string | null {
  const wanted = groups.map((terms) => terms.filter((term) => !term.isExcluded));
  if (wanted.some((terms) => terms.length === 0)) return null;
  return writeGroups(wanted, ({ words }) =>
    writeAnd(words.map(({ word }) => quoteLexeme(asIndexed(word, lexemes)))),
  );
}

const writeGroups = (groups: SearchTerm[][], write: (term: SearchTerm) => string): string =>
  groups.map((terms) => `(${terms.map(write).join(' & ')})`).join(' | ');

const writeAnd = (words: string[]): string => `(${words.join(' & ')})`;
const writeOr = (words: string[]): string => `(${words.join(' | ')})`;

/**
 * Writes words that must follow each other. Postgres does not know all places of a word that is said very often, nor
 * any in a document beyond a certain length. Where that is so of common words alone, the others must stand as far from
 * each other as they should; where it is so of others, it is enough that all are there: rather too much than nothing.
 */
function writeExact({ words, isExcluded }: SearchTerm, lexemes: Lexemes): string {
  const placed = words.map(({ word, place }) => ({ ...asIndexed(word, lexemes), place }));
  const strict = writeInOrder(placed);
  if (isExcluded) return `!(${strict})`;
  if (placed.length === 1) return strict;
  const common = placed.filter(({ isCommon }) => isCommon);
  const telling = placed.filter(({ isCommon }) => !isCommon);
  const ways = [strict];
  if (common.length > 0 && telling.length > 0)
    ways.push(writeAnd([writeInOrder(telling), ...common.map(quoteLexeme), hasUnknownPlaces(common)]));
  ways.push(writeAnd([...placed.map(quoteLexeme), hasUnknownPlaces(telling.length > 0 ? telling : common)]));
  return writeOr(ways);
}

const writeInOrder = (words: { lexeme: string; place: number }[]): string =>
  `(${words.map((word, at) => `${distanceTo(words, at)}${quoteLexeme(word)}`).join('')})`;

function distanceTo(words: { place: number }[], at: number): string {
  const [before, here] = [words[at - 1], words[at]];
  return before && here ? ` <${here.place - before.place}> ` : '';
}

/** That any of the words has places which Postgres does not know. */
const hasUnknownPlaces = (words: { lexeme: string }[]): string =>
  writeOr(
    words.flatMap((word) => [quote(fullWord(word.lexeme)), `${quoteLexeme(word)} <0> ${quote(BEYOND)}`]),
  );

const asIndexed = (word: string, lexemes: Lexemes) => lexemes.get(word) ?? { lexeme: word, isCommon: false };
const quoteLexeme = ({ lexeme }: { lexeme: string }): string => quote(lexeme);

/** Words are letters and digits alone; nothing else depends on that. */
const quote = (lexeme: string): string => `'${lexeme.replaceAll(/['\\]/g, '$&$&')}'`;
