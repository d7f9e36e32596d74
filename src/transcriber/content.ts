import type { TranscriptContent, TranscriptSegment, TranscriptWord } from '../domain/transcript.ts';
import type { Answer } from './answer.ts';
import { cleanText } from './cleanText.ts';
import { readLanguage } from './language.ts';
import { attachWords } from './words.ts';

/** Shorter ones cannot be shown, and are what clamping leaves of times that were wrong. */
const SHORTEST_SEC = 0.01;
/** More than is said in a second by anybody, in any script. */
const mostChars = (durationSec: number): number => 1000 + Math.ceil(100 * durationSec);
const MAX_SPEAKER_CHARS = 100;

const roundTime = (sec: number): number => Math.round(sec * 1000) / 1000;

/** Brings a time into the chunk; a beginning that comes after its end changes places with it. */
function clamp({ start, end }: { start: number; end: number }, durationSec: number) {
  const within = (sec: number) => roundTime(Math.min(Math.max(sec, 0), durationSec));
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
  return segments
    .map(({ start, end, text, speaker }) => {
      const name = cleanText(speaker ?? '').slice(0, MAX_SPEAKER_CHARS);
      return { ...clamp({ start, end }, durationSec), text: cleanText(text), ...(name && { speaker: name }) };
    })
    .filter(({ text }) => text !== '')
    .toSorted((a, b) => a.startSec - b.startSec);
}

const isRepetition = (a: TranscriptSegment | undefined, b: TranscriptSegment): boolean =>
  a !== undefined && a.startSec === b.startSec && a.endSec === b.endSec && a.text === b.text;

const join = (...texts: string[]): string => texts.filter(Boolean).join(' ');

/** Two people may speak at once; one cannot. */
const mayOverlap = (a: TranscriptSegment, b: TranscriptSegment): boolean =>
  a.speaker !== undefined && b.speaker !== undefined && a.speaker !== b.speaker;

/** The next segment that this one has to end before. */
function nextAlone(sorted: TranscriptSegment[], index: number): TranscriptSegment | undefined {
  for (let later = index + 1; later < sorted.length; later++) {
    const [one, other] = [sorted[index], sorted[later]];
    if (one && other && !mayOverlap(one, other)) return other;
  }
  return undefined;
}

/** Ends what overlaps where the next one begins, and gives the text of what has no length to its neighbour. */
function settle(sorted: TranscriptSegment[]): TranscriptSegment[] {
  const single = sorted.filter((segment, index) => !isRepetition(sorted[index - 1], segment));
  const settled: TranscriptSegment[] = [];
  let waiting = '';
  single.forEach((segment, index) => {
    const next = nextAlone(single, index);
    const endSec = Math.min(segment.endSec, next?.startSec ?? segment.endSec);
    const text = join(waiting, segment.text);
    const isLong = endSec - segment.startSec >= SHORTEST_SEC;
    waiting = isLong ? '' : text;
    if (isLong) settled.push({ ...segment, endSec, text });
  });
  const last = settled.at(-1);
  if (last) last.text = join(last.text, waiting);
  return settled;
}

function limitText(segments: TranscriptSegment[], durationSec: number): TranscriptSegment[] {
  let left = mostChars(durationSec);
  return segments
    .map((segment) => {
      const text = segment.text.slice(0, left).toWellFormed().trimEnd();
      left -= text.length;
      return { ...segment, text };
    })
    .filter(({ text }) => text !== '');
}

/** All that was said in one piece, over the whole chunk: nobody knows when. */
function untimed({ text, segments }: Answer, durationSec: number): TranscriptSegment[] {
  const all = cleanText(text ?? '') || cleanText(join(...segments.map((segment) => segment.text)));
  return limitText([{ startSec: 0, endSec: roundTime(durationSec), text: all }], durationSec);
}

const readWords = ({ words }: Answer, durationSec: number): TranscriptWord[] =>
  words
    .map(({ start, end, word }) => ({ ...clamp({ start, end }, durationSec), text: cleanText(word) }))
    .toSorted((a, b) => a.startSec - b.startSec);
