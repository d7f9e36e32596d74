/** Text of which only the sound is known that it was heard in: laid over the times at which somebody speaks. */
import { UNSPACED_SCRIPTS } from './scripts.ts';
import type { TimeRange } from './speech.ts';
import type { TranscriptSegment } from './transcript.ts';

/** As long as a caption may stand; longer sentences are cut between words. */
const LONGEST_SEC = 7;
/** No caption should stand while nobody speaks for so long, whether a sentence goes on afterwards or not. */
const PAUSE_SEC = 1;
/** A sentence that ends as near as this to a pause ended there: shares of characters are no better than that. */
const NEAR_CHARACTERS = 20;

/**
 * Makes segments of a text by the share of characters, as if everybody spoke equally fast and only in the voiced ranges.
 *
 * @param voiced in order; at least one
 */
export function layOverVoiced(text: string, voiced: readonly TimeRange[]): TranscriptSegment[] {
  const spells = spellsOf(voiced);
  const totalSec = spokenSec(voiced);
  let [from, untilSec] = [0, 0];
  return spells.flatMap((spell, at) => {
    untilSec += spokenSec(spell);
    const wanted = text.length * (totalSec > 0 ? untilSec / totalSec : 1);
    const to = at === spells.length - 1 ? text.length : cutNear(text, from, wanted);
    const part = text.slice(from, to);
    from = to;
    return laySpell(part, spell);
  });
}

const lengthOf = ({ startSec, endSec }: TimeRange): number => Math.max(0, endSec - startSec);
const spokenSec = (ranges: readonly TimeRange[]): number =>
  ranges.reduce((sum, range) => sum + lengthOf(range), 0);

/** Puts ranges together that no long pause parts. */
function spellsOf(voiced: readonly TimeRange[]): TimeRange[][] {
  const spells: TimeRange[][] = [];
  for (const range of voiced) {
    const spell = spells.at(-1);
    const before = spell?.at(-1);
    if (spell && before && range.startSec - before.endSec <= PAUSE_SEC) spell.push(range);
    else spells.push([range]);
  }
  return spells;
}

/** What a line may be cut behind: a space, or a character of a script that has none. */
const BEFORE_WORD = new RegExp(`[\\s${UNSPACED_SCRIPTS}、。！？]`, 'u');

const startsOf = (text: string, granularity: 'sentence' | 'word') =>
  [...new Intl.Segmenter('en', { granularity }).segment(text)].filter(
    ({ index, segment }) =>
      !/^\s+$/.test(segment) && (index === 0 || BEFORE_WORD.test(text[index - 1] ?? '')),
  );
const sentenceStarts = (text: string): number[] => startsOf(text, 'sentence').map(({ index }) => index);
const wordStarts = (text: string): number[] => startsOf(text, 'word').map(({ index }) => index);

/** Gives the place nearest to the wanted one where a sentence begins, or a word where no sentence does near it. */
function cutNear(text: string, from: number, wanted: number): number {
  const nearest = (places: number[]) =>
    [...places, text.length]
      .filter((place) => place >= from)
      .reduce(
        (best, place) => (Math.abs(place - wanted) < Math.abs(best - wanted) ? place : best),
        text.length,
      );
  const sentence = nearest(sentenceStarts(text));
  // Not so near that nothing of a short part would be left.
  const isNear = Math.abs(sentence - wanted) <= Math.min(NEAR_CHARACTERS, (wanted - from) / 2);
  return isNear ? sentence : nearest(wordStarts(text));
}

function laySpell(text: string, spell: readonly TimeRange[]): TranscriptSegment[] {
  const secOf = (at: number) => (spokenSec(spell) * at) / Math.max(1, text.length);
  const sentences = sentenceStarts(text);
  const words = wordStarts(text);
  const cuts = sentences.flatMap((from, at) => {
    const to = sentences[at + 1] ?? text.length;
    const within = words.filter((place) => place > from && place < to);
    return [from, ...cutLong(from, to, within, lengthOf(heardWithin(secOf(from), secOf(to), spell)))];
  });
  return cuts
    .map((from, at) => ({ from, to: cuts[at + 1] ?? text.length }))
    .map(({ from, to }) => ({
      ...heardWithin(secOf(from), secOf(to), spell),
      text: text.slice(from, to).trim(),
    }))
    .filter((segment) => segment.text !== '');
}

/** Gives where a sentence that takes too long is cut into parts of about the same length. */
function cutLong(from: number, to: number, words: number[], takesSec: number): number[] {
  const most = (to - from) / Math.ceil(takesSec / LONGEST_SEC || 1);
  let begun = from;
  return words.filter((place, at) => {
    const wouldBe = (words[at + 1] ?? to) - begun;
    if (wouldBe <= most + 1) return false;
    begun = place;
    return true;
  });
}

/** What ends so shortly behind a break in the sound ends at it, and what begins so shortly before it begins behind it. */
const SNAP_SEC = 0.3;

/** When what takes the seconds of speech from one number to another is heard. */
function heardWithin(fromSec: number, toSec: number, spell: readonly TimeRange[]): TimeRange {
  const [begun, ended] = [placeOf(fromSec, spell), placeOf(toSec, spell)];
  const next = spell[begun.at + 1];
  const before = spell[ended.at - 1];
  const startSec = next && begun.leftSec < SNAP_SEC ? next.startSec : begun.timeSec;
  const endSec = before && ended.doneSec < SNAP_SEC ? before.endSec : ended.timeSec;
  // Something short around a break stays where it is.
  return startSec < endSec ? { startSec, endSec } : { startSec: begun.timeSec, endSec: ended.timeSec };
}

/** Where in the voiced ranges so many seconds of speech are over. */
function placeOf(spoken: number, spell: readonly TimeRange[]) {
  let doneSec = spoken;
  for (const [at, range] of spell.entries()) {
    const leftSec = lengthOf(range) - doneSec;
    if (leftSec >= 0 || at === spell.length - 1)
      return { at, doneSec, leftSec, timeSec: Math.min(range.startSec + doneSec, range.endSec) };
    doneSec = -leftSec;
  }
  return { at: 0, doneSec: 0, leftSec: 0, timeSec: 0 };
}
