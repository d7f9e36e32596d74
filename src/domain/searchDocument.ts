import { searchWords } from './searchWords.ts';

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

/** Six hours of speech. With these limits a `tsvector`, which may have a mebibyte, holds whatever the words are. */
const MAX_WORDS = 60_000;
const MAX_DIFFERENT_BYTES = 500_000;
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
    segments: said.map(({ startSec, text }) => [startSec, cutText(text)]),
  };
}

/** Numbers the words of texts one after the other. */
function createIndex() {
  const entries = new Map<string, { places: string[]; timesSaid: number }>();
  let position = 0;
  let bytes = 0;
  const entryOf = (word: string) => {
    const entry = entries.get(word) ?? { places: [], timesSaid: 0 };
    if (!entries.has(word)) bytes += Buffer.byteLength(word);
    return entries.set(word, entry) && entry;
  };
  return {
    /** Gives the position of the first word, null when there is none. */
    add: (text: string, weight: Weight): number | null => {
      const first = position + 1;
      for (const word of searchWords(text)) {
        if (position >= MAX_WORDS || bytes >= MAX_DIFFERENT_BYTES) break;
        position += 1;
        const entry = entryOf(word);
        entry.places.push(`${position}${weight}`);
        if (weight === '') entry.timesSaid += 1;
      }
      return position < first ? null : first;
    },
    /** Leaves a gap, so that no phrase begins in one text and ends in the next. */
    skip: () => {
      position += 1;
    },
    words: (): DocumentWord[] =>
      [...entries].map(([word, { places, timesSaid }]) => ({ word, places: places.join(','), timesSaid })),
  };
}

const cutText = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= MAX_SHOWN_LENGTH) return line;
  // Never between the halves of one character.
  return `${line
    .slice(0, MAX_SHOWN_LENGTH - 1)
    .replace(/\p{Cs}$/u, '')
    .trimEnd()}…`;
};
