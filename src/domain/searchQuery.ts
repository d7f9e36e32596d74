import { type PlacedWord, pairUp, searchWords } from './searchWords.ts';

/** A word, or several that follow each other. */
export interface SearchTerm {
  words: PlacedWord[];
  isExcluded: boolean;
  /** It was put in quotes, so each word of it is meant. */
  isQuoted: boolean;
}

/** What somebody looks for: all terms of any of these. */
export type SearchQuery = SearchTerm[][];

/** So many words may be asked for at once: each costs time. */
export const MAX_QUERY_WORDS = 40;

const TERM = /(-?)"([^"]*)(?:"|$)|(\S+)/g;

/**
 * Reads what people write into a search field: words that must all be there, "several words" in this order, -not,
 * and `or` between alternatives. There is nothing that it does not understand; what holds no word counts as nothing.
 */
export function parseSearch(text: string): SearchQuery {
  const groups: SearchQuery = [[]];
  for (const [whole, minus, quoted, bare] of text.matchAll(TERM)) {
    if (whole.toLowerCase() === 'or') groups.push([]);
    else groups.at(-1)?.push(...toTerm(minus, quoted, bare));
  }
  return groups.filter((terms) => terms.length > 0);
}

function toTerm(minus = '', quoted: string | undefined, bare = ''): SearchTerm[] {
  const words = pairUp(searchWords(quoted ?? bare));
  if (words.length === 0) return [];
  return [{ words, isExcluded: minus === '-' || bare.startsWith('-'), isQuoted: quoted !== undefined }];
}

/** How many words a query asks for. */
export const countWords = (query: SearchQuery): number =>
  query.flat().reduce((sum, { words }) => sum + words.length, 0);
