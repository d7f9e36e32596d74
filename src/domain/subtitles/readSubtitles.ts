import { countCharacters } from '../cueText.ts';
import { createTimeline } from '../timeline.ts';
import type { TranscriptSegment } from '../transcript.ts';
import { readCueMarkup } from './cueMarkup.ts';
import { parseTiming } from './timestamps.ts';

export type SubtitleFormat = 'vtt' | 'srt';

/** A segment, and the line of the file that says when it is. */
export interface ReadSegment extends TranscriptSegment {
  line: number;
}

/** What a file of subtitles holds. */
export interface ReadSubtitles {
  segments: ReadSegment[];
  /** Lines that look like the time of a cue and are none; counted from 1. */
  badTimings: number[];
  /** Whether it is such a file at all: it says so, holds a cue, or is empty. */
  isKnown: boolean;
}

const SIGNATURE = /^WEBVTT(?:[ \t]|$)/;
/** Blocks of WebVTT that are no cues. */
const BLOCK = /^(?:NOTE|STYLE|REGION)(?:[ \t:]|$)/;
const INDEX = /^\s*\d+\s*$/;

const linesOf = (file: string): string[] => file.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);

/**
 * Whether a text without a type is one of the two.
 *
 * @returns null for plain text
 */
export function recognizeSubtitles(file: string): SubtitleFormat | null {
  const lines = linesOf(file).filter((line) => line.trim() !== '');
  if (SIGNATURE.test(lines[0] ?? '')) return 'vtt';
  return lines.slice(0, 2).some(parseTiming) ? 'srt' : null;
}

/**
 * Reads WebVTT and SubRip as people have them: with or without a mark in front, indexes, hours and empty lines between cues, in any
 * order, with both kinds of points and of line ends. Settings and styles are passed over.
 *
 * Own, after trying what there is: media-captions 1.0.4 drops cues beyond 99 hours, with a comma in WebVTT or without spaces around
 * the arrow, and runs two together that no empty line parts; subtitle 4.2.2 and @plussub/srt-vtt-parser 2.0.5 throw at a STYLE block
 * or at an empty line within a cue; node-webvtt reads no SubRip.
 */
export function readSubtitles(file: string, format: SubtitleFormat): ReadSubtitles {
  const lines = linesOf(file);
  const isVtt = format === 'vtt';
  const segments: ReadSegment[] = [];
  const badTimings: number[] = [];
  let isCueSeen = false;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const timing = timingOf(line);
    if (timing) {
      const end = isVtt ? endOfCue(lines, at + 1) : endOfSubtitle(lines, at + 1);
      const voices = readCueMarkup(lines.slice(at + 1, end).join('\n'), format);
      for (const segment of shareTime(voices, timing)) segments.push({ ...segment, line: at + 1 });
      isCueSeen = true;
      at = end;
    } else if (isVtt && BLOCK.test(line)) {
      at = endOfBlock(lines, at + 1);
    } else {
      at += 1;
      if (line.includes('-->')) badTimings.push(at);
    }
  }
  const isSigned = isVtt ? SIGNATURE.test(lines[0] ?? '') : lines.every((line) => line.trim() === '');
  return { segments, badTimings, isKnown: isCueSeen || isSigned };
}

const timingOf = (line: string) => (line.includes('-->') ? parseTiming(line) : null);

/** It ends at an empty line, or where a cue begins. */
function endOfBlock(lines: readonly string[], from: number): number {
  let end = from;
  while (end < lines.length && lines[end]?.trim() !== '' && !timingOf(lines[end] ?? '')) end += 1;
  return end;
}

/** A cue of WebVTT ends at an empty line, or where the next one begins. */
function endOfCue(lines: readonly string[], from: number): number {
  let end = from;
  while (end < lines.length && lines[end]?.trim() !== '' && !lines[end]?.includes('-->')) end += 1;
  // The identifier of the next one, where the empty line is missing.
  return end > from && lines[end]?.includes('-->') && INDEX.test(lines[end - 1] ?? '') ? end - 1 : end;
}

/** People leave lines empty within a subtitle, too: it ends at the next one, whose index comes before its time. */
function endOfSubtitle(lines: readonly string[], from: number): number {
  let end = from;
  while (end < lines.length && !lines[end]?.includes('-->')) end += 1;
  return end > from && end < lines.length && INDEX.test(lines[end - 1] ?? '') ? end - 1 : end;
}

/** Several who speak within one cue get their shares of its time, one after the other. */
function shareTime(
  voices: ReturnType<typeof readCueMarkup>,
  range: { startSec: number; endSec: number },
): TranscriptSegment[] {
  const lengths = voices.map(({ text }) => Math.max(1, countCharacters(text)));
  const timeline = createTimeline([{ ...range, length: lengths.reduce((sum, length) => sum + length, 0) }]);
  let place = 0;
  return voices.map((voice, index) => {
    const from = place;
    place += lengths[index] ?? 0;
    return { startSec: timeline.startAt(from), endSec: timeline.endAt(place), ...voice };
  });
}
