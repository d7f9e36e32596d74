import { cutText } from './cutText.ts';
import { isCharacter, searchWords } from './searchWords.ts';

/** Some words of a transcript and when they are said. */
export interface SearchableSegment {
  startSec: number;
  text: string;
}

export interface SearchableVideo {
  title: string;
  description: string | null;
  tags: readonly string[];
  /** Of its current transcript; none where there is none. */
  segments: readonly SearchableSegment[];
}

/** Where one word stands in a document. */
export interface DocumentWord {
  word: string;
  /** Positions with the letter of their weight, as `tsvector` is written: `3A,17C,20`. */
  places: string;
  /** How often it is said. */
  timesSaid: number;
}

/** A video as the search index keeps it. */
export interface SearchDocument {
  words: DocumentWord[];
  /** The position of each segment's first word; those of segments without words are left out. */
  segmentPositions: number[];
  /** The same segments: when they begin, in seconds, and their text, cut. */
  segments: [startSec: number, text: string][];
}

/** Postgres counts no further: all that comes later in a document stands at this place. */
export const LAST_PLACE = 16_383;
/** So many places of one word Postgres keeps. */
export const MAX_PLACES = 255;
/** No text has a word with a colon. It stands at the last place where a document goes on beyond that. */
export const BEYOND = 'beyond:';

/** In halves of a word, of which a character of a script without spaces is one: six hours of speech. */
const MAX_HALVES = 120_000;
/** Of a `tsvector`, which may have a mebibyte; what else stands in it takes less than the rest. */
const MAX_BYTES = 900_000;
const BYTES_AROUND_WORD = 3;
const BYTES_OF_PLACE = 2;
const MAX_SHOWN_LENGTH = 300;

/** Title, tags, description and speech; Postgres weighs a word by them, and speech has none. */
type Weight = 'A' | 'B' | 'C' | '';

/** Makes the search document of a video. */
export function toSearchDocument({ title, description, tags, segments }: SearchableVideo): SearchDocument {
  const index = createIndex();
  const abouts: [string, Weight][] = [[title, 'A'], ...tags.map((tag): [string, Weight] => [tag, 'B'])];
  for (const [text, weight] of [...abouts, [description ?? '', 'C'] as const]) {
    index.add(text, weight);
    index.skip();
  }
  // What is said goes on in the next segment: no gaps.
  const said = segments
    .map(({ startSec, text }) => ({ startSec, text, position: index.add(text, '') }))
    .filter(({ position }) => position !== null);
  return {
    words: index.words(),
    segmentPositions: said.map(({ position }) => position as number),
    segments: said.map(({ startSec, text }) => [startSec, toShownText(text)]),
  };
}

/** Numbers the words of texts one after the other. */
function createIndex() {
  const entries = createEntries();
  let position = 0;
  let halves = 0;
  let previous: { character: string; position: number } | null = null;
  return {
    /** Gives the position of the first word, null when there is none. */
    add: (text: string, weight: Weight): number | null => {
      const first = position + 1;
      for (const word of searchWords(text)) {
        if (halves >= MAX_HALVES || entries.areFull()) break;
        position += 1;
        entries.note(word, position, weight);
        const isPart = isCharacter(word);
        halves += isPart ? 1 : 2;
        if (isPart && previous) entries.note(previous.character + word, previous.position, weight);
        previous = isPart ? { character: word, position } : null;
      }
      return position < first ? null : first;
    },
    /** Leaves a gap, so that no phrase begins in one text and ends in the next. */
    skip: () => {
      position += 1;
      previous = null;
    },
    words: (): DocumentWord[] => {
      const end = position < LAST_PLACE ? [] : [{ word: BEYOND, places: `${LAST_PLACE}`, timesSaid: 0 }];
      return [...entries.words(), ...end];
    },
  };
}

/** Keeps of each word as many places as Postgres does. */
function createEntries() {
  const entries = new Map<string, { places: string[]; lastPlace: number; timesSaid: number }>();
  let bytes = 0;
  return {
    note: (word: string, position: number, weight: Weight): void => {
      const entry = entries.get(word) ?? { places: [], lastPlace: 0, timesSaid: 0 };
      if (entry.places.length === 0) bytes += Buffer.byteLength(word) + BYTES_AROUND_WORD;
      entries.set(word, entry);
      if (weight === '') entry.timesSaid += 1;
      const place = Math.min(position, LAST_PLACE);
      if (place === entry.lastPlace || entry.places.length === MAX_PLACES) return;
      entry.lastPlace = place;
      entry.places.push(`${place}${weight}`);
      bytes += BYTES_OF_PLACE;
    },
    areFull: () => bytes >= MAX_BYTES,
    words: (): DocumentWord[] =>
      [...entries].map(([word, { places, timesSaid }]) => ({ word, places: places.join(','), timesSaid })),
  };
}

const toShownText = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= MAX_SHOWN_LENGTH) return line;
  return `${cutText(line, MAX_SHOWN_LENGTH - 1)}…`;
};
