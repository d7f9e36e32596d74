import type { TranscriptSegment, TranscriptWord } from '../domain/transcript.ts';

/** How far ahead of the last word the next one is looked for: across what was left out, not to its next occurrence. */
const LOOKAHEAD_CHARS = 60;

/** A word and where it stands in the text of all segments. */
interface Found {
  from: number;
  to: number;
  word: TranscriptWord;
}

/**
 * Gives each segment its words. Transcribers tell them bare and in one list, so they are found in the segments' texts
 * one after the other, and each gets what is written up to the next one. What cannot be found is left out, its time
 * too: a segment's words together are its text again. A segment without any found word has none.
 *
 * @param words in the order of time
 */
export function attachWords(segments: TranscriptSegment[], words: TranscriptWord[]): TranscriptSegment[] {
  const found = findWords(segments.map(({ text }) => text).join('\n'), words);
  let [offset, next] = [0, 0];
  return segments.map((segment) => {
    const from = offset;
    offset += segment.text.length + 1;
    const first = next;
    while (next < found.length && (found[next]?.from ?? 0) < offset) next += 1;
    const mine = found.slice(first, next);
    if (mine.length === 0) return segment;
    const moved = mine.map((item) => ({ ...item, from: item.from - from, to: item.to - from }));
    return { ...segment, words: writeWords(segment, moved) };
  });
}

function findWords(text: string, words: TranscriptWord[]): Found[] {
  const folded = fold(text);
  const found: Found[] = [];
  let cursor = 0;
  for (const word of words) {
    const sought = fold(word.text);
    const from = sought === '' ? -1 : findNext(folded, sought, cursor);
    if (from < 0) continue;
    cursor = from + sought.length;
    found.push({ from, to: cursor, word });
  }
  return found;
}

/** Turkish: the one character whose small form is longer, an i with another dot above it. */
const LONG_IN_LOWER_CASE = /\u0130/g;

/** Lower case, as long as the text: a position in it is one in the text. */
const fold = (text: string): string => text.replace(LONG_IN_LOWER_CASE, 'i').toLowerCase();

/** Of a script that writes words apart: there no word begins in the middle of another one. */
const INSIDE_A_WORD =
  /(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])[\p{L}\p{N}]$/u;

function findNext(text: string, sought: string, cursor: number): number {
  const end = cursor + LOOKAHEAD_CHARS + sought.length;
  const window = text.slice(cursor, end);
  for (let at = window.indexOf(sought); at >= 0; at = window.indexOf(sought, at + 1)) {
    if (at === 0 || !INSIDE_A_WORD.test(window.slice(at - 1, at))) return cursor + at;
  }
  return -1;
}

/** Where each word begins with what is written before it: after the last space before it, or right at it. */
function startOf(text: string, previousEnd: number, from: number): number {
  const space = text.slice(previousEnd, from).search(/\s\S*$/u);
  return space < 0 ? from : previousEnd + space + 1;
}

function writeWords({ text, startSec, endSec }: TranscriptSegment, found: Found[]): TranscriptWord[] {
  const starts = found.map(({ from }, index) =>
    index === 0 ? 0 : startOf(text, found[index - 1]?.to ?? 0, from),
  );
  let earliest = startSec;
  return found.map(({ word }, index) => {
    const from = Math.min(Math.max(word.startSec, earliest), endSec);
    earliest = from;
    return {
      startSec: from,
      endSec: Math.min(Math.max(word.endSec, from), endSec),
      text: text.slice(starts[index], starts[index + 1] ?? text.length).trim(),
    };
  });
}
