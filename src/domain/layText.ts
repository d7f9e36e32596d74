/** Gives times to a text that comes without any. */
import { cleanText, countCharacters, joinUnits, type TextUnit, toUnits, unwrapText } from './cueText.ts';
import { type LaidLine, layLines } from './layLines.ts';
import { matchItems } from './matchItems.ts';
import type { TimeRange } from './speech.ts';
import { joinLines, placeUnits } from './textUnits.ts';
import { createTimeline } from './timeline.ts';
import type { TranscriptSegment } from './transcript.ts';

/** Lines that were added between two that are closer than this for each of them are given time of one of those. */
const SHORTEST_ADDED_SEC = 0.5;

/**
 * Lays a text over the times of what was there before. Lines that stayed keep their times, and so do the words of
 * those that were changed: what is new gets the time of what it replaces. A line that was added gets the time between
 * its neighbours, or a share of the time of the one before it where there is none; the time of what is gone stays
 * empty. A line that stands for several segments is broken where they end. Without anything before, the sentences of
 * the text share the range.
 */
export function layText(
  text: string,
  before: readonly TranscriptSegment[],
  range: TimeRange,
): TranscriptSegment[] {
  const lines = cleanText(text)
    .split('\n')
    .filter((line) => line !== '');
  const spoken = before.flatMap((segment) => {
    const line = unwrapText(cleanText(segment.text));
    return line === '' ? [] : [{ segment, line }];
  });
  if (spoken.length === 0) return spreadText(lines, range);
  const matched = matchItems(
    spoken.map(({ line }) => line),
    lines,
  );
  const laid: LaidLine[] = [];
  let [from, oldFrom] = [0, 0];
  for (const [index, place] of [...matched, spoken.length].entries()) {
    if (place < 0) continue;
    for (const each of layLines(spoken.slice(oldFrom, place), lines.slice(from, index))) laid.push(each);
    const kept = spoken[place];
    if (kept) laid.push(kept);
    [from, oldFrom] = [index + 1, place + 1];
  }
  return putInOrder(timeAdded(laid, range));
}

/** Gives times to the lines that stand for nothing that was there. */
function timeAdded(laid: readonly LaidLine[], range: TimeRange): TranscriptSegment[] {
  const segments: TranscriptSegment[] = [];
  let added: string[] = [];
  for (const { line, segment } of laid) {
    if (!segment) {
      added.push(line);
      continue;
    }
    for (const each of added.length > 0 ? addBefore(segment, added, { segments, range }) : [segment]) {
      segments.push(each);
    }
    added = [];
  }
  const last = segments.pop();
  return last ? [...segments, ...shareAfter(last, added, range.endSec)] : segments;
}

/** Gives added lines and the segment after them; the one before them is made shorter where there is no time between. */
function addBefore(
  next: TranscriptSegment,
  added: readonly string[],
  { segments, range }: { segments: TranscriptSegment[]; range: TimeRange },
): TranscriptSegment[] {
  const last = segments.pop();
  if (last) return [...shareAfter(last, added, next.startSec), next];
  const freeSec = next.startSec - range.startSec;
  if (freeSec >= added.length * SHORTEST_ADDED_SEC) {
    return [...shareLines(added, { startSec: range.startSec, endSec: next.startSec }), next];
  }
  const startSec = Math.min(range.startSec, next.startSec);
  const shared = shareLines([...added, next.text], { startSec, endSec: next.endSec });
  const { words: _, ...rest } = next;
  return [...shared.slice(0, -1), { ...rest, startSec: shared.at(-1)?.startSec ?? next.startSec }];
}

function shareAfter(
  last: TranscriptSegment,
  added: readonly string[],
  untilSec: number,
): TranscriptSegment[] {
  if (added.length === 0) return [last];
  if (untilSec - last.endSec >= added.length * SHORTEST_ADDED_SEC) {
    return [last, ...shareLines(added, { startSec: last.endSec, endSec: untilSec })];
  }
  const endSec = Math.max(last.startSec, untilSec);
  const shared = shareLines([last.text, ...added], { startSec: last.startSec, endSec });
  const { words: _, ...rest } = last;
  return [{ ...rest, endSec: shared[0]?.endSec ?? last.endSec }, ...shared.slice(1)];
}

/** What was split may stand beside something that is said at the same time. */
function putInOrder(segments: TranscriptSegment[]): TranscriptSegment[] {
  let nextSec = Number.POSITIVE_INFINITY;
  for (let at = segments.length - 1; at >= 0; at -= 1) {
    const segment = segments[at] as TranscriptSegment;
    if (segment.startSec > nextSec) segments[at] = { ...segment, startSec: nextSec };
    nextSec = Math.min(nextSec, segment.startSec);
  }
  return segments;
}

/**
 * Gives the part of a segment's text that is said at certain times, going by its share of the characters: the words that
 * were not timed by anybody are taken to be said at an even pace.
 *
 * @param isSaid whether to keep a word of these times
 */
export function keepText(
  { text, ...range }: TimeRange & { text: string },
  isSaid: (word: TimeRange) => boolean,
): string {
  const units = placeUnits(cleanText(text).split('\n'));
  const timeline = createTimeline([{ ...range, length: units.at(-1)?.endsAt ?? 0 }]);
  const kept = units.filter(({ characters, endsAt }) =>
    isSaid({ startSec: timeline.startAt(endsAt - characters), endSec: timeline.endAt(endsAt) }),
  );
  return kept.length === units.length ? text : joinLines(kept);
}

/** Whether words are those of a text, in its order. */
export const doWordsSpell = (words: readonly { text: string }[], text: string): boolean =>
  words
    .map((word) => word.text)
    .join('')
    .replace(/\s+/gu, '') === text.replace(/\s+/gu, '');

const spreadText = (lines: readonly string[], range: TimeRange): TranscriptSegment[] =>
  shareLines(lines.flatMap(toSentences), range);

/** Gives lines a range by their characters. */
function shareLines(lines: readonly string[], range: TimeRange): TranscriptSegment[] {
  const lengths = lines.map((line) => Math.max(1, countCharacters(line)));
  const timeline = createTimeline([{ ...range, length: lengths.reduce((sum, length) => sum + length, 0) }]);
  let place = 0;
  return lines.map((text, index) => {
    const startSec = timeline.startAt(place);
    place += lengths[index] ?? 0;
    return { startSec, endSec: timeline.endAt(place), text };
  });
}

function toSentences(line: string): string[] {
  const sentences: string[] = [];
  let units: TextUnit[] = [];
  for (const unit of toUnits(line)) {
    units.push(unit);
    if (unit.breakAfter !== 'sentence') continue;
    sentences.push(joinUnits(units));
    units = [];
  }
  return units.length === 0 ? sentences : [...sentences, joinUnits(units)];
}
