/** Joining what was answered about the chunks of a video's sound to one transcript. */

import { roundToMs } from './roundToMs.ts';
import { dropDoubledWords } from './seams.ts';
import type { TimeRange } from './speech.ts';
import type { TranscriptContent, TranscriptSegment, TranscriptWord } from './transcript.ts';
import { layOverVoiced } from './untimedText.ts';

/** One chunk: when it is heard, where in it somebody speaks, and what was answered. */
export interface AnsweredChunk extends TimeRange {
  voiced: TimeRange[];
  /** Times from the beginning of the chunk. */
  answer: TranscriptContent;
}

/**
 * Joins the answers in the order of time: times from the beginning of the video, what two chunks heard of one word
 * once, and speakers told apart by chunk, since each chunk names them anew.
 *
 * @param chunks in the order of time
 */
export function joinAnswers(chunks: readonly AnsweredChunk[]): TranscriptContent {
  const spoken = chunks.filter(({ answer }) => answer.segments.some(({ text }) => text.trim() !== ''));
  const namedIn = spoken.filter(({ answer }) => answer.segments.some(({ speaker }) => speaker !== undefined));
  const segments: TranscriptSegment[] = [];
  for (const [at, chunk] of spoken.entries()) {
    const number = namedIn.indexOf(chunk) + 1;
    const more = rebase(chunk).map((segment) => (number > 1 ? renameSpeaker(segment, number) : segment));
    const before = spoken[at - 1];
    segments.push(...(before ? dropDoubledWords(segments, more, mostDoubled(before, chunk)) : more));
  }
  return { language: mostCommon(spoken.map(({ answer }) => answer.language)), segments: inOrder(segments) };
}

/** Nobody says more words than that in a second. */
const WORDS_A_SECOND = 6;

/** How many words both of two chunks may have heard: none where they are parted by silence. */
function mostDoubled(before: AnsweredChunk, chunk: AnsweredChunk): number {
  const sharedSec = before.endSec - chunk.startSec;
  if (sharedSec > ROUNDING_SEC) return Math.ceil(sharedSec * WORDS_A_SECOND);
  const isSpokenAcross =
    sharedSec > -ROUNDING_SEC &&
    before.endSec - (before.voiced.at(-1)?.endSec ?? 0) < ROUNDING_SEC &&
    (chunk.voiced[0]?.startSec ?? chunk.endSec) - chunk.startSec < ROUNDING_SEC;
  // The one that the cut went through, which each side may have completed.
  return isSpokenAcross ? 1 : 0;
}

/** A speaker of the n-th chunk or video: whether it is the one of that name elsewhere, nobody knows. */
export const renameSpeaker = (segment: TranscriptSegment, number: number): TranscriptSegment =>
  segment.speaker === undefined ? segment : { ...segment, speaker: `${segment.speaker} (${number})` };

/** Times are told to the hundredth of a second at best; the end of a chunk is cut to a packet. */
const ROUNDING_SEC = 0.05;

/** A text of which no more is known than the chunk that it was heard in. */
function isUntimed({ startSec, endSec, answer }: AnsweredChunk): boolean {
  const [only, ...others] = answer.segments;
  if (!only || others.length > 0 || only.words) return false;
  return only.startSec <= ROUNDING_SEC && only.endSec >= endSec - startSec - ROUNDING_SEC;
}

function rebase(chunk: AnsweredChunk): TranscriptSegment[] {
  const { startSec, endSec, voiced, answer } = chunk;
  const [only] = answer.segments;
  if (only && voiced.length > 0 && isUntimed(chunk))
    return layOverVoiced(only.text.trim(), voiced).map((part) => ({ ...only, ...round(part) }));
  const within = <Timed extends TranscriptWord>(timed: Timed): Timed => {
    const from = clamp(startSec + timed.startSec, startSec, endSec);
    const to = clamp(startSec + timed.endSec, from, endSec);
    return { ...timed, ...round({ startSec: from, endSec: to }), text: timed.text.trim() };
  };
  return answer.segments
    .map((segment) => ({
      ...within(segment),
      ...(segment.words ? { words: segment.words.map(within) } : {}),
    }))
    .filter(({ text }) => text !== '');
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

const round = <Range extends TimeRange>(range: Range): Range => ({
  ...range,
  startSec: roundToMs(range.startSec),
  endSec: roundToMs(range.endSec),
});

const inOrder = (segments: TranscriptSegment[]): TranscriptSegment[] =>
  segments.toSorted((one, other) => one.startSec - other.startSec);

/** Gives what stands there most often, the first of several; null where nothing does. */
export function mostCommon(languages: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const language of languages) if (language) counts.set(language, (counts.get(language) ?? 0) + 1);
  return [...counts].reduce<[string | null, number]>(
    (most, each) => (each[1] > most[1] ? each : most),
    [null, 0],
  )[0];
}
