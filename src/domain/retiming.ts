/** What is said in a video that was made of others: their transcripts, moved to where they are heard now. */
import { keepText } from './layText.ts';
import { roundToMs } from './roundToMs.ts';
import type { TimeRange } from './speech.ts';
import type { TranscriptSegment, TranscriptWord } from './transcript.ts';
import { renameSpeaker } from './transcriptJoin.ts';

/** A range of a video that is shown in another one, and what is said in the whole of it. */
export interface Excerpt extends TimeRange {
  /** The same for excerpts of one video. */
  videoId: string;
  /** When the range begins in the other video. */
  atSec: number;
  segments: readonly TranscriptSegment[];
  /** A person has named the speakers: the same name is the same speaker everywhere. */
  hasKnownSpeakers: boolean;
}

/**
 * Moves segments and words to their new times, clipped to the ranges that are shown. A word is kept when at least half
 * of it is; in a segment without times of its words, by its share of the text.
 *
 * @param excerpts in the order of time
 */
export function retime(excerpts: readonly Excerpt[]): TranscriptSegment[] {
  const anonymous = excerpts.filter(
    ({ segments, hasKnownSpeakers }) =>
      !hasKnownSpeakers && segments.some(({ speaker }) => speaker !== undefined),
  );
  const named = [...new Set(anonymous.map(({ videoId }) => videoId))];
  return excerpts.flatMap((excerpt) => {
    const number = excerpt.hasKnownSpeakers ? 0 : named.indexOf(excerpt.videoId) + 1;
    return excerpt.segments
      .flatMap((segment) => clipSegment(segment, excerpt))
      .map((segment) => move(segment, excerpt))
      .map((segment) => (number > 1 ? renameSpeaker(segment, number) : segment));
  });
}

function clipSegment(segment: TranscriptSegment, range: TimeRange): TranscriptSegment[] {
  const { words } = segment;
  if (!words || words.length === 0) {
    const text = textWithin(segment, range);
    return text === '' ? [] : [{ ...clip(segment, range), text }];
  }
  const kept = words.filter((word) => keepsHalf(word, range));
  if (kept.length === 0) return [];
  const text = kept.length === words.length ? segment.text : textOf(segment.text, words, kept);
  return [{ ...clip(segment, range), text, words: kept.map((word) => clip(word, range)) }];
}

/** What lies wholly on one side is not looked at word by word: there may be twenty thousand segments. */
function textWithin(segment: TranscriptSegment, range: TimeRange): string {
  const { startSec, endSec, text } = segment;
  if (startSec >= range.endSec || endSec < range.startSec) return '';
  if (startSec >= range.startSec && endSec <= range.endSec) return text;
  return keepText(segment, (word) => keepsHalf(word, range));
}

function keepsHalf({ startSec, endSec }: TimeRange, range: TimeRange): boolean {
  const seenSec = Math.min(endSec, range.endSec) - Math.max(startSec, range.startSec);
  const isMoment = endSec <= startSec;
  return isMoment ? startSec >= range.startSec && startSec < range.endSec : seenSec * 2 >= endSec - startSec;
}

const clip = <Timed extends TimeRange>(timed: Timed, { startSec, endSec }: TimeRange): Timed => ({
  ...timed,
  startSec: Math.max(timed.startSec, startSec),
  endSec: Math.min(timed.endSec, endSec),
});

const move = (segment: TranscriptSegment, { startSec, atSec }: Excerpt): TranscriptSegment => {
  const shift = <Timed extends TimeRange>(timed: Timed): Timed => ({
    ...timed,
    startSec: roundToMs(timed.startSec - startSec + atSec),
    endSec: roundToMs(timed.endSec - startSec + atSec),
  });
  return { ...shift(segment), ...(segment.words ? { words: segment.words.map(shift) } : {}) };
};

/** Gives the part of a text that some of its words are, with its own punctuation and spaces where they are found in it. */
function textOf(text: string, words: readonly TranscriptWord[], kept: readonly TranscriptWord[]): string {
  const ends: { from: number; to: number }[] = [];
  let at = 0;
  for (const word of words) {
    const from = text.indexOf(word.text, at);
    if (from < 0) return kept.map((each) => each.text).join(' ');
    at = from + word.text.length;
    ends.push({ from, to: at });
  }
  const first = words.indexOf(kept[0] as TranscriptWord);
  const last = words.indexOf(kept.at(-1) as TranscriptWord);
  const next = ends[last + 1]?.from ?? text.length;
  return text.slice(ends[first]?.from, next).trim();
}
