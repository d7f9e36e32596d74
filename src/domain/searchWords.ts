/** What counts as a word of a search, the same for what is searched and for what is asked: no database decides it. */

/** Nobody looks for a longer one, and Postgres takes none above 2,046 bytes. */
const MAX_WORD_LENGTH = 64;

/** Written without spaces: each character is a word, so that any run of them can be found as a phrase. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*/gu;
const LATIN_ACCENTS = /[\u0300-\u036f]/g;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;

/**
 * Gives the words of a text, in their order: in lower case and without accents, so that "Café" is found as "cafe", and
 * split at everything that is neither letter nor digit, so that "example.com" is two words that follow each other.
 */
export function searchWords(text: string): string[] {
  const folded = text.normalize('NFKD').replace(LATIN_ACCENTS, '').normalize('NFC').toLowerCase();
  return (folded.replace(UNSPACED, ' $& ').match(WORD) ?? []).map(cut);
}

/** Never between the halves of one character. */
const cut = (word: string): string => word.slice(0, MAX_WORD_LENGTH).replace(/\p{Cs}$/u, '');
