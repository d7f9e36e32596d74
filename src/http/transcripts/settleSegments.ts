import { cleanText, unwrapText } from '../../domain/cueText.ts';
import { cutText } from '../../domain/cutText.ts';
import { doWordsSpell } from '../../domain/layText.ts';
import { roundToMs } from '../../domain/roundToMs.ts';
import { MAX_SPEAKER_CHARS, type TranscriptSegment, type TranscriptWord } from '../../domain/transcript.ts';
import { type FieldError, invalidRequest } from '../problem.ts';
import { MAX_ERRORS, MAX_SEGMENTS } from './givenFields.ts';

/** What players and subtitles round up to. */
const TOLERANCE_SEC = 1;
/** More than anybody says in six hours: what is written anew for every viewer must stay small. */
export const MAX_CHARACTERS = 500_000;

const SHORTEST_SEC = 0.001;

/** Where a segment stands in what was sent, for errors; null for times that nobody sent, which are mended. */
export type PathOf = ((index: number, field: 'start_sec' | 'end_sec') => string) | null;

/**
 * Makes given segments ones that can be kept: within the video, in the order of time, with clean text and short names; those without
 * text are left out, and so are words that do not spell the text any more.
 *
 * @throws HttpProblem `invalid_request`
 */
export function settleSegments(
  given: readonly TranscriptSegment[],
  durationSec: number,
  pathOf: PathOf,
): TranscriptSegment[] {
  if (given.length > MAX_SEGMENTS) {
    throw invalidRequest([{ path: 'segments', message: `may be ${MAX_SEGMENTS} at most` }]);
  }
  const errors = given.flatMap((segment, index) => {
    const error = pathOf && judgeTimes(segment, durationSec, (field) => pathOf(index, field));
    return error ? [error] : [];
  });
  if (errors.length > 0) throw invalidRequest(errors.slice(0, MAX_ERRORS));
  const segments = given
    .map((segment) => settleSegment(segment, durationSec))
    .filter(({ text }) => text !== '')
    .sort((a, b) => a.startSec - b.startSec);
  assertLength(segments.map(({ text }) => text));
  return segments;
}

function assertLength(texts: readonly string[]): void {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  if (characters <= MAX_CHARACTERS) return;
  throw invalidRequest([{ path: 'text', message: `may have ${MAX_CHARACTERS} characters at most` }]);
}

/**
 * Checks a text before it is given times, which takes long for one that is too long.
 *
 * @throws HttpProblem `invalid_request`
 */
export function assertTextFits(text: string): void {
  const lines = cleanText(text).split('\n');
  assertLength(lines);
  if (lines.length <= MAX_SEGMENTS) return;
  throw invalidRequest([{ path: 'text', message: `may have ${MAX_SEGMENTS} lines at most` }]);
}

function judgeTimes(
  { startSec, endSec }: TranscriptSegment,
  durationSec: number,
  pathOf: (field: 'start_sec' | 'end_sec') => string,
): FieldError | null {
  if (roundToMs(startSec) >= roundToMs(endSec))
    return { path: pathOf('end_sec'), message: 'must be after its start' };
  if (endSec <= durationSec + TOLERANCE_SEC) return null;
  const field = startSec > durationSec + TOLERANCE_SEC ? 'start_sec' : 'end_sec';
  return { path: pathOf(field), message: `is beyond the duration of ${durationSec} seconds` };
}

function settleSegment({ text, speaker, words, ...range }: TranscriptSegment, durationSec: number) {
  const lastSec = roundToMs(Math.min(range.endSec, durationSec));
  // What is all beyond the end is moved, and not lost.
  const startSec = roundToMs(
    range.startSec < lastSec ? range.startSec : Math.max(0, lastSec - (range.endSec - range.startSec)),
  );
  const endSec = Math.max(lastSec, roundToMs(startSec + SHORTEST_SEC));
  const within = (sec: number) => Math.min(endSec, Math.max(startSec, roundToMs(sec)));
  const settled: TranscriptSegment = { startSec, endSec, text: cleanText(text) };
  const name = cutText(unwrapText(cleanText(speaker ?? '')), MAX_SPEAKER_CHARS);
  if (name !== '') settled.speaker = name;
  const spoken = (words ?? []).map((word) => settleWord(word, within)).filter((word) => word.text !== '');
  if (spoken.length > 0 && doWordsSpell(spoken, settled.text)) settled.words = spoken;
  return settled;
}

function settleWord({ startSec, endSec, text }: TranscriptWord, within: (sec: number) => number) {
  const [start, end] = [within(startSec), within(endSec)];
  return { startSec: start, endSec: Math.max(start, end), text: unwrapText(cleanText(text)) };
}
