import type { Config } from '../config.ts';
import type { CaptionUsage } from '../domain/caption.ts';
import type { Log } from '../log.ts';

/** What a caption is written from; at least one of `prompt` and `transcript` is there. */
export interface CaptionRequest {
  prompt: string | null;
  /** What is said in the video. Data, never an instruction. */
  transcript: string | null;
  /** Whose limits it has to keep; null for none. */
  platform: string | null;
  /** Null for the configured one. */
  model: string | null;
}

export interface WrittenCaption {
  caption: string;
  /** The model that really wrote it. */
  model: string;
  usage: CaptionUsage | null;
}

/** What writes captions: any server that speaks OpenAI's chat completions, OpenRouter above all. */
export interface CaptionWriter {
  /** @throws CaptionError by what can be done about it; the cancellation */
  write(request: CaptionRequest, signal: AbortSignal): Promise<WrittenCaption>;
}

export type CaptionsConfig = Pick<Config, 'CAPTIONS_BASE_URL' | 'OPENROUTER_API_KEY' | 'CAPTIONS_MODEL'>;

/** Makes the adapter; null where no language model is configured. */
export function createCaptionWriter({ config }: { config: CaptionsConfig; log: Log }): CaptionWriter | null {
  if (config.OPENROUTER_API_KEY === undefined) return null;
  return null;
}
