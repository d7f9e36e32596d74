/** The sound of a video as it is sent to be transcribed: chunks that begin and end where nobody speaks. */

/** Times in seconds from the beginning of the video. */
export interface TimeRange {
  startSec: number;
  endSec: number;
}

/** One chunk: a whole file of sound within the file that holds all chunks, one after the other. */
export interface SpeechChunk extends TimeRange {
  offsetBytes: number;
  sizeBytes: number;
  /** Where it is not silent; at least one place, since chunks of silence are left out. */
  voiced: TimeRange[];
}

/** What was extracted of a video: the index to the file of all chunks. */
export interface Speech {
  /** How the chunks were encoded, in one word that changes when their bytes would. */
  encoder: string;
  /** Of the video that it was extracted from. */
  sourceSha256: string;
  contentType: string;
  /** What the name of a chunk has to end with, without the dot: transcribers go by it. */
  extension: string;
  /** In the order of time; none when nothing is heard. */
  chunks: SpeechChunk[];
}

/** How large a chunk may be. */
export interface ChunkLimits {
  maxSec: number;
  maxBytes: number;
}
