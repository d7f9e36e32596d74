/** The words of transcripts: what was said in a video, and when. */

/** A word as it is written, its punctuation included; times in seconds from the beginning of the video. */
export interface TranscriptWord {
  startSec: number;
  endSec: number;
  text: string;
}

/** A name is shown with every caption of who has it; what is longer is cut. */
export const MAX_SPEAKER_CHARS = 100;

/** Some words that belong together: a sentence or a part of one. */
export interface TranscriptSegment extends TranscriptWord {
  /** Who speaks, where that is known. */
  speaker?: string;
  /** The same text word by word, where the times of words are known. */
  words?: TranscriptWord[];
}

/** `machine` came from a transcriber, also through a trim or a merge; `edited` was written or changed by a person. */
export const TRANSCRIPT_KINDS = ['machine', 'edited'] as const;
export type TranscriptKind = (typeof TRANSCRIPT_KINDS)[number];

/** What was said in a video: its segments in the order of time, none when nobody speaks. */
export interface TranscriptContent {
  /** BCP 47 or ISO 639 tag, as far as known. */
  language: string | null;
  segments: TranscriptSegment[];
}

/** What a caller may say about how a transcript is made. */
export interface TranscriptOptions {
  /** What is spoken, as ISO 639-1; found out where it is left out. */
  language?: string;
  /** The configured one where it is left out. */
  model?: string;
  /** Names and words that occur, in the form of a text that precedes; some models take none. */
  prompt?: string;
}

/** What is wanted of a step `transcript`. */
export interface TranscriptWish extends TranscriptOptions {
  /** Nothing is sent to a transcriber: a video that this one was made of was not to be transcribed. */
  carriesOnly?: true;
}

/** Gives the text of a transcript in one piece: a line for each segment. */
export const transcriptText = ({ segments }: Pick<TranscriptContent, 'segments'>): string =>
  segments.map(({ text }) => text).join('\n');
