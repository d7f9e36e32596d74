import type { Config } from '../config.ts';
import type { ChunkLimits } from '../domain/speech.ts';
import type { TranscriptContent, TranscriptOptions } from '../domain/transcript.ts';
import type { Log } from '../log.ts';

/** One chunk of sound to be transcribed. */
export interface TranscribeRequest {
  bytes: Uint8Array;
  contentType: string;
  /** What the name of the file ends with, without the dot. */
  extension: string;
  durationSec: number;
  options: TranscriptOptions & { model: string };
}

/** What turns speech into text: any server that speaks OpenAI's API. */
export interface Transcriber {
  /** The model that is used where a caller chooses none. */
  readonly defaultModel: string;
  /** How large a chunk a model takes. One that tells no times within a chunk is given short ones. */
  limitsOf(model: string): ChunkLimits;
  /**
   * Transcribes one chunk; once, since it costs.
   *
   * @returns times from the beginning of the chunk, all within it and in order. A model that tells none gives one
   *   segment over all of it; nothing said gives no segment
   * @throws TranscriberError by what can be done about it; the cancellation
   */
  transcribe(request: TranscribeRequest, signal: AbortSignal): Promise<TranscriptContent>;
}

export type TranscriberConfig = Pick<Config, 'OPENAI_BASE_URL' | 'OPENAI_API_KEY' | 'TRANSCRIBE_MODEL'>;

/** Makes the adapter; null where no transcriber is configured. */
export function createTranscriber({ config }: { config: TranscriberConfig; log: Log }): Transcriber | null {
  if (config.OPENAI_API_KEY === undefined) return null;
  return null;
}
