import type { Config } from '../config.ts';
import type { ChunkLimits } from '../domain/speech.ts';
import type { TranscriptContent, TranscriptOptions } from '../domain/transcript.ts';
import type { Log } from '../log.ts';
import { createApiClient } from '../openaiApi/client.ts';
import { readAnswer } from './answer.ts';
import { toContent } from './content.ts';
import { readFailure } from './failures.ts';
import { fieldsFor, heededOf, limitsOf } from './models.ts';

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
  /** What of the options a model is told: another value of the rest changes no answer. */
  heededOf(options: TranscriptOptions & { model: string }): TranscriptOptions & { model: string };
  /**
   * Transcribes one chunk; once, since it costs.
   *
   * @returns times from the beginning of the chunk, all within it and in order. A model that tells none gives one
   *   segment over all of it; nothing said gives no segment
   * @throws TranscriberError (`errors.ts`) by what can be done about it; the cancellation
   */
  transcribe(request: TranscribeRequest, signal: AbortSignal): Promise<TranscriptContent>;
}

export type TranscriberConfig = Pick<Config, 'OPENAI_BASE_URL' | 'OPENAI_API_KEY' | 'TRANSCRIBE_MODEL'>;

/** Far above what an honest answer about the longest chunk takes, which is about a megabyte. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * How long an answer may take: as long as the sound lasts, for servers on small machines, and a minute for the rest.
 * Who is faster is not kept waiting by it.
 */
const defaultPatienceMs = (durationSec: number): number => 60_000 + Math.ceil(durationSec * 1000);

export interface TranscriberParts {
  config: TranscriberConfig;
  log: Log;
  /** How long one request may take as a whole, by the length of its sound. */
  patienceMs?: (durationSec: number) => number;
}

/** Makes the adapter; null where no transcriber is configured. */
export function createTranscriber({
  config,
  log,
  patienceMs = defaultPatienceMs,
}: TranscriberParts): Transcriber | null {
  if (config.OPENAI_API_KEY === undefined) return null;
  const lines = log.child({ module: 'transcriber' });
  const client = createApiClient({
    ...{ baseURL: config.OPENAI_BASE_URL, apiKey: config.OPENAI_API_KEY, maxAnswerBytes: MAX_ANSWER_BYTES },
  });
  const ask = async (request: TranscribeRequest, signal: AbortSignal): Promise<unknown> => {
    const { options, durationSec } = request;
    try {
      return await client.audio.transcriptions.create(
        { ...fieldsFor(options), file: toFile(request) },
        { signal, timeout: patienceMs(durationSec) },
      );
    } catch (error) {
      signal.throwIfAborted();
      const { failure, facts } = readFailure(error);
      lines.warn({ code: failure.code, model: options.model, ...facts }, 'a transcription failed');
      throw failure;
    }
  };
  return {
    defaultModel: config.TRANSCRIBE_MODEL,
    limitsOf,
    heededOf,
    transcribe: async (request, signal) => {
      signal.throwIfAborted();
      const { durationSec, options } = request;
      const answer = readAnswer(await ask(request, signal), durationSec);
      return toContent(answer, durationSec, options.language ?? null);
    },
  };
}

/** By the name's end alone many servers know what it is. The bytes are not copied for the type's sake. */
const toFile = ({ bytes, extension, contentType }: TranscribeRequest): File =>
  new File([bytes as Uint8Array<ArrayBuffer>], `speech.${extension}`, { type: contentType });
