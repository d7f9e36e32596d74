import { graphemesOf } from './countLength.ts';

const ELLIPSIS = '…';
/** A sentence's end is worth this share of what would fit. */
const SENTENCE_WORTH = 0.6;
/** Links, also without their scheme, hashtags and mentions: half of one is another one, or none. */
const WHOLE =
  /(?:https?:\/\/|www\.)\S+|(?<![\p{L}\p{N}.-])[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+\/\S*|[#＃@＠][\p{L}\p{N}\p{M}_]+/giu;
const LINK_START = /^(?:https?:\/\/|www\.)/iu;
const NO_SPACE = /\S/u;
const LOOSE = /[\s,;:–—([{“‘«-]/u;
const SENTENCE_END = /[.!?。！？…\n]["'”’»)\]]*\s*$/u;
/** More than any sentence has behind its last sign. */
const BEHIND_SENTENCE = 20;

const words = new Intl.Segmenter('und', { granularity: 'word' });
const sentences = new Intl.Segmenter('und', { granularity: 'sentence' });

/**
 * Cuts a text that is too long where it hurts least: behind a sentence, or behind a word and then with an ellipsis.
 * Never within what people take for one character, a link, a hashtag or a mention.
 *
 * @param fits says whether a text is short enough; a shorter one of two beginnings is, if the longer is
 * @param mostChars how much of it is looked at: what follows is given up
 * @returns the text itself when it fits; an empty one when nothing of it can be kept
 */
export function shorten(
  whole: string,
  fits: (text: string) => boolean,
  mostChars = Number.POSITIVE_INFINITY,
): string {
  if (fits(whole)) return whole;
  const text = whole.slice(0, mostChars);
  const ends = allowedEnds(text);
  // Nobody knows what it cuts through.
  if (text !== whole) ends.delete(text.length);
  const word = lastFitting(wordEnds(text, ends), (end) => fits(endedAt(text, end)));
  const sentence = lastFitting(sentenceEnds(text, ends), (end) => fits(text.slice(0, end).trimEnd()));
  if (sentence > 0 && sentence >= word * SENTENCE_WORTH) return text.slice(0, sentence).trimEnd();
  // One word without an end: wherever it may be cut at all.
  const end = word > 0 ? word : lastFitting([...ends], (cut) => fits(endedAt(text, cut)));
  return end > 0 ? endedAt(text, end) : '';
}

/** A link reaches as far as there are characters without a space. */
function endedAt(text: string, end: number): string {
  const kept = text.slice(0, startOfTail(text, end, LOOSE));
  if (kept === '') return '';
  const lastWord = kept.slice(startOfTail(kept, kept.length, NO_SPACE));
  return isLink(lastWord) ? `${kept} ${ELLIPSIS}` : `${kept}${ELLIPSIS}`;
}

/** Where those characters begin that end a beginning of a text. Regular expressions would look from every place on. */
function startOfTail(text: string, end: number, kind: RegExp): number {
  let start = end;
  while (start > 0 && kind.test(text.charAt(start - 1))) start -= 1;
  return start;
}

/** With its scheme, or else with a dot within what comes before its first slash. */
function isLink(word: string): boolean {
  if (LINK_START.test(word)) return true;
  const host = word.slice(0, Math.max(0, word.indexOf('/')));
  return host.slice(1, -1).includes('.');
}

/** Where a text may be cut at all, in order. */
function allowedEnds(text: string): Set<number> {
  const ends = new Set<number>();
  let end = 0;
  for (const grapheme of graphemesOf(text)) {
    end += grapheme.length;
    ends.add(end);
  }
  for (const { index, 0: whole } of text.matchAll(WHOLE))
    for (let inside = index + 1; inside < index + whole.length; inside++) ends.delete(inside);
  return ends;
}

const segmentEnds = (segmenter: Intl.Segmenter, text: string, allowed: Set<number>): number[] =>
  Array.from(segmenter.segment(text), ({ index, segment }) => index + segment.length).filter((end) =>
    allowed.has(end),
  );

const wordEnds = (text: string, allowed: Set<number>): number[] => segmentEnds(words, text, allowed);

/** What merely runs out in the middle of a line is no sentence. */
const sentenceEnds = (text: string, allowed: Set<number>): number[] =>
  segmentEnds(sentences, text, allowed).filter((end) =>
    SENTENCE_END.test(text.slice(Math.max(0, end - BEHIND_SENTENCE), end)),
  );

/** The last of some ends, in order, that fits; 0 for none. */
function lastFitting(ends: number[], fits: (end: number) => boolean): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(ends[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return ends[low - 1] ?? 0;
}
