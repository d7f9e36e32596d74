import type { SearchQuery, SearchTerm } from '../domain/searchQuery.ts';

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
  const exact = writeGroups(groups, (term) => writeTerm(term, lexemes, ' <-> '));
  const wanted = groups.flat().filter((term) => !term.isExcluded);
  const shown = telling(
    wanted.flatMap(({ words }) => words),
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
    !isQuoted && words.every((word) => lexemes.get(word)?.isCommon);
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
  return writeGroups(wanted, (term) => writeTerm(term, lexemes, ' & '));
}

const writeGroups = (groups: SearchTerm[][], write: (term: SearchTerm) => string): string =>
  groups.map((terms) => `(${terms.map(write).join(' & ')})`).join(' | ');

function writeTerm({ words, isExcluded }: SearchTerm, lexemes: Lexemes, operator: string): string {
  const written = words.map((word) => quote(lexemes.get(word)?.lexeme ?? word)).join(operator);
  return isExcluded ? `!(${written})` : `(${written})`;
}

/** Words are letters and digits alone; nothing else depends on that. */
const quote = (lexeme: string): string => `'${lexeme.replaceAll(/['\\]/g, '$&$&')}'`;
