/** What counts as a word of a search, the same for what is searched and for what is asked: no database decides it. */
import { cutText } from './cutText.ts';
import { UNSPACED_SCRIPTS } from './scripts.ts';

/** A word and its number in a text. */
export interface PlacedWord {
  word: string;
  place: number;
}

/** Nobody looks for a longer one, and Postgres takes none above 2,046 bytes. */
const MAX_WORD_LENGTH = 64;

/** Written without spaces: each character is a word, so that any run of them can be found as a phrase. */
const UNSPACED = new RegExp(`[${UNSPACED_SCRIPTS}]\\p{M}*`, 'gu');
const BEGINS_UNSPACED = new RegExp(`^${UNSPACED.source}`, 'u');
const LATIN_ACCENTS = /[\u0300-\u036f]/g;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
/** The two last become marks by being decomposed. No language puts more on a letter, and sorting a run takes the square of its length. */
const TOO_MANY_MARKS = /([\p{M}\uff9e\uff9f]{8})[\p{M}\uff9e\uff9f]+/gu;

/**
 * Gives the words of a text, in their order: in lower case and without accents, so that "Café" is found as "cafe", and
 * split at everything that is neither letter nor digit, so that "example.com" is two words that follow each other.
 */
export function searchWords(text: string): string[] {
  const decomposed = text.replace(TOO_MANY_MARKS, '$1').normalize('NFKD');
  const folded = decomposed.replace(LATIN_ACCENTS, '').normalize('NFC').toLowerCase();
  return (folded.replace(UNSPACED, ' $& ').match(WORD) ?? []).map(cut);
}

const cut = (word: string): string => cutText(word, MAX_WORD_LENGTH);

/** Whether a word is a character of a script without spaces. */
export const isCharacter = (word: string): boolean => BEGINS_UNSPACED.test(word);

/**
 * Gives what to look for where words follow each other: of characters the pairs that neighbours make, which the index
 * has as well. A single one, as 的, is said in every sentence, and Postgres knows the first 255 places of a word only.
 */
export function pairUp(words: readonly string[]): PlacedWord[] {
  const isAlone = words.map((word) => !isCharacter(word));
  return words.flatMap((word, place) => {
    if (isAlone[place]) return { word, place };
    if (isAlone[place + 1] === false) return { word: word + words[place + 1], place };
    return isAlone[place - 1] === false ? [] : { word, place };
  });
}
