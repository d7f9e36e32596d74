import { graphemesOf } from './countLength.ts';

const ELLIPSIS = '…';
/** A sentence's end is worth this share of what would fit. */
const SENTENCE_WORTH = 0.6;
/** Links, also without their scheme, hashtags and mentions: half of one is another one, or none. */
const WHOLE =
  /(?:https?:\/\/|www\.)\S+|(?<![\p{L}\p{N}.-])[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+\/\S*|[#＃@＠][\p{L}\p{N}\p{M}_]+/giu;
const LINK = /^(?:https?:\/\/|www\.|[^/]+\.[^/]+\/)/iu;
const LOOSE_END = /[\s,;:–—([{“‘«-]+$/u;
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
 * @returns the text itself when it fits; an empty one when nothing of it can be kept
 */
export function shorten(text: string, fits: (text: string) => boolean): string {
  if (fits(text)) return text;
  const ends = allowedEnds(text);
  const word = lastFitting(wordEnds(text, ends), (end) => fits(endedAt(text, end)));
  const sentence = lastFitting(sentenceEnds(text, ends), (end) => fits(text.slice(0, end).trimEnd()));
  if (sentence > 0 && sentence >= word * SENTENCE_WORTH) return text.slice(0, sentence).trimEnd();
  // One word without an end: wherever it may be cut at all.
  const end = word > 0 ? word : lastFitting([...ends], (cut) => fits(endedAt(text, cut)));
  return end > 0 ? endedAt(text, end) : '';
}

/** A link reaches as far as there are characters without a space. */
function endedAt(text: string, end: number): string {
  const kept = text.slice(0, end).replace(LOOSE_END, '');
  if (kept === '') return '';
  const lastWord = kept.slice(kept.search(/\S+$/));
  return LINK.test(lastWord) ? `${kept} ${ELLIPSIS}` : `${kept}${ELLIPSIS}`;
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
