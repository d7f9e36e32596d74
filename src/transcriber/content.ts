import { cutText } from '../domain/cutText.ts';
import { roundToMs } from '../domain/roundToMs.ts';
import {
  MAX_SPEAKER_CHARS,
  type TranscriptContent,
  type TranscriptSegment,
  type TranscriptWord,
} from '../domain/transcript.ts';
import type { Answer } from './answer.ts';
import { cleanLine } from './cleanLine.ts';
import { readLanguage } from './language.ts';
import { attachWords } from './words.ts';

/** Shorter ones cannot be shown, and are what clamping leaves of times that were wrong. */
const SHORTEST_SEC = 0.01;
/** More than is said in a second by anybody, in any script. */
const mostChars = (durationSec: number): number => 1000 + Math.ceil(100 * durationSec);
/** Of one chunk, which is minutes long: of more than that nobody can tell who speaks. */
const MAX_SPEAKERS = 100;

/** Brings a time into the chunk; a beginning that comes after its end changes places with it. */
function clamp({ start, end }: { start: number; end: number }, durationSec: number) {
  const within = (sec: number) => roundToMs(Math.min(Math.max(sec, 0), durationSec));
  return { startSec: within(Math.min(start, end)), endSec: within(Math.max(start, end)) };
}

/**
 * Makes of an answer what can be relied on: times within the chunk and in order, texts clean and of a length that can
 * be, words with the punctuation that belongs to them. Nothing that was said is lost where only its time is wrong.
 *
 * @param asked what the transcriber was told that is spoken
 */
export function toContent(answer: Answer, durationSec: number, asked: string | null): TranscriptContent {
  const language = (answer.language === null ? null : readLanguage(answer.language)) ?? asked;
  const timed = limitText(settle(readSegments(answer, durationSec)), durationSec);
  const segments = timed.length > 0 ? timed : untimed(answer, durationSec);
  return { language, segments: attachWords(segments, readWords(answer, durationSec)) };
}

function readSegments({ segments }: Answer, durationSec: number): TranscriptSegment[] {
  const speakers = new Set<string>();
  return segments
    .map(({ start, end, text, speaker }) => {
      const name = cutText(cleanLine(speaker ?? ''), MAX_SPEAKER_CHARS);
      if (speakers.size < MAX_SPEAKERS) speakers.add(name);
      const isTold = name !== '' && speakers.has(name);
      return {
        ...{ ...clamp({ start, end }, durationSec), text: cleanLine(text) },
        ...(isTold ? { speaker: name } : {}),
      };
    })
    .filter(({ text }) => text !== '')
    .toSorted((a, b) => a.startSec - b.startSec);
}

const isRepetition = (a: TranscriptSegment | undefined, b: TranscriptSegment): boolean =>
  a !== undefined && a.startSec === b.startSec && a.endSec === b.endSec && a.text === b.text;

const join = (texts: string[]): string => texts.filter(Boolean).join(' ');

/**
 * When each segment has to end: where the next one begins of those whose speaker is the same or is not told. Two people
 * may speak at once; one cannot.
 */
function latestEnds(sorted: TranscriptSegment[]): number[] {
  const startOf = new Map<string | undefined, number>();
  let nextSec = Infinity;
  return sorted
    .toReversed()
    .map(({ speaker, startSec }) => {
      const sameSec = Math.min(startOf.get(speaker) ?? Infinity, startOf.get(undefined) ?? Infinity);
      const endSec = speaker === undefined ? nextSec : sameSec;
      startOf.set(speaker, startSec);
      nextSec = startSec;
      return endSec;
    })
    .toReversed();
}

/** Ends what overlaps where the next one begins, and gives the text of what has no length to its neighbour. */
function settle(sorted: TranscriptSegment[]): TranscriptSegment[] {
  const single = sorted.filter((segment, index) => !isRepetition(sorted[index - 1], segment));
  const latest = latestEnds(single);
  const settled: TranscriptSegment[] = [];
  let waiting: string[] = [];
  single.forEach((segment, index) => {
    const endSec = Math.min(segment.endSec, latest[index] ?? Infinity);
    waiting.push(segment.text);
    if (endSec - segment.startSec < SHORTEST_SEC) return;
    settled.push({ ...segment, endSec, text: join(waiting) });
    waiting = [];
  });
  const last = settled.at(-1);
  if (last) last.text = join([last.text, ...waiting]);
  return settled;
}

function limitText(segments: TranscriptSegment[], durationSec: number): TranscriptSegment[] {
  let left = mostChars(durationSec);
  return segments
    .map((segment) => {
      const text = cutText(segment.text, left);
      left -= text.length;
      return { ...segment, text };
    })
    .filter(({ text }) => text !== '');
}

/** All that was said in one piece, over the whole chunk: nobody knows when. */
function untimed({ text, segments }: Answer, durationSec: number): TranscriptSegment[] {
  const all = cleanLine(text ?? '') || cleanLine(join(segments.map((segment) => segment.text)));
  return limitText([{ startSec: 0, endSec: roundToMs(durationSec), text: all }], durationSec);
}

const readWords = ({ words }: Answer, durationSec: number): TranscriptWord[] =>
  words
    .map(({ start, end, word }) => ({ ...clamp({ start, end }, durationSec), text: cleanLine(word) }))
    .toSorted((a, b) => a.startSec - b.startSec);
