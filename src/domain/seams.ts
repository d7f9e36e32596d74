/** Where two chunks of sound meet, and both may have heard the same words. */
import type { TranscriptSegment, TranscriptWord } from './transcript.ts';

const tokensOf = (text: string): string[] => text.split(/\s+/).filter((token) => token !== '');
/** A word without what depends on its place in a sentence. */
const bare = (token: string): string =>
  token
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

/**
 * Gives the later segments without those words at their beginning that the earlier ones end with.
 *
 * @param most how many words both may hold
 */
export function dropDoubledWords(
  earlier: readonly TranscriptSegment[],
  later: readonly TranscriptSegment[],
  most: number,
): TranscriptSegment[] {
  // From the seam outwards only as far as is looked.
  const said = earlier.slice(-most).flatMap(({ text }) => tokensOf(text).map(bare));
  const heard = later.slice(0, most).flatMap(({ text }) => tokensOf(text).map(bare));
  for (let count = Math.min(most, said.length, heard.length); count > 0; count--) {
    const isSame = heard.slice(0, count).every((token, at) => token === said[said.length - count + at]);
    if (isSame && heard[0] !== '') return dropFirst(later, count);
  }
  return [...later];
}

function dropFirst(segments: readonly TranscriptSegment[], count: number): TranscriptSegment[] {
  let left = count;
  return segments.flatMap((segment) => {
    if (left === 0) return [segment];
    const tokens = tokensOf(segment.text);
    const dropped = tokens.slice(0, left);
    left -= dropped.length;
    return dropped.length === tokens.length ? [] : [withoutFirst(segment, dropped)];
  });
}

function withoutFirst(segment: TranscriptSegment, dropped: string[]): TranscriptSegment {
  const text = tokensOf(segment.text).slice(dropped.length).join(' ');
  if (!segment.words) return { ...segment, text };
  const words = segment.words.slice(countWords(segment.words, dropped.map(bare).join('')));
  return { ...segment, text, words, startSec: words[0]?.startSec ?? segment.startSec };
}

/** How many of the timed words a text is made of: what is one word in a text may be two there. */
function countWords(words: readonly TranscriptWord[], text: string): number {
  let left = text;
  const end = words.findIndex((word) => {
    const next = bare(word.text);
    if (left === '' || !left.startsWith(next)) return true;
    left = left.slice(next.length);
    return false;
  });
  return end < 0 ? words.length : end;
}
