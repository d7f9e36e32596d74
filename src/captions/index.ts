import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { Config } from '../config.ts';
import type { CaptionUsage } from '../domain/caption.ts';
import type { CaptionPlatform } from '../domain/captionLimits.ts';
import type { Log } from '../log.ts';
import { createApiClient } from '../openaiApi/client.ts';
import { keepsLimit, mostChars } from './countLength.ts';
import { CaptionTroubleError, CaptionUnusableError } from './errors.ts';
import { toCaptionError } from './failures.ts';
import { toMessages, toRepairMessages } from './instructions.ts';
import { addUsage, type CaptionReply, readReply } from './reply.ts';
import { shorten } from './shorten.ts';

/** What a caption is written from; at least one of `prompt` and `transcript` is there. */
export interface CaptionRequest {
  prompt: string | null;
  /** What is said in the video. Data, never an instruction. */
  transcript: string | null;
  /** Whose limits it has to keep; null for none. */
  platform: CaptionPlatform | null;
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

/** For one answer, from the first byte sent to the last received: models that think first take their time. */
const ANSWER_TIMEOUT_MS = 90_000;
/** Many times what an answer with the longest caption takes. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
/** What a model may think and write for one answer: much more than a caption, and a bound to its price. */
const MAX_TOKENS = 8000;
const OPENROUTER_HOST = /(^|\.)openrouter\.ai$/;

const RESPONSE_FORMAT = {
  type: 'json_schema',
  json_schema: {
    name: 'caption',
    strict: true,
    schema: {
      type: 'object',
      properties: { caption: { type: 'string', description: 'The finished text of the post' } },
      required: ['caption'],
      additionalProperties: false,
    },
  },
} as const;

/** Asks the model once more of a request. */
type Ask = (messages: ChatCompletionMessageParam[]) => Promise<CaptionReply>;

/** Makes the adapter; null where no language model is configured. */
export function createCaptionWriter({
  config,
  log: root,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
}: {
  config: CaptionsConfig;
  log: Log;
  answerTimeoutMs?: number;
}): CaptionWriter | null {
  if (config.OPENROUTER_API_KEY === undefined) return null;
  const log = root.child({ module: 'captions' });
  const client = createApiClient({
    ...{ baseURL: config.CAPTIONS_BASE_URL, apiKey: config.OPENROUTER_API_KEY },
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  // Else OpenRouter may choose a provider that does not know what a schema is.
  const routing = OPENROUTER_HOST.test(new URL(config.CAPTIONS_BASE_URL).hostname)
    ? { provider: { require_parameters: true } }
    : {};

  const askerFor = (request: CaptionRequest, signal: AbortSignal): Ask => {
    const model = request.model ?? config.CAPTIONS_MODEL;
    return async (messages) => {
      const body = { model, messages, response_format: RESPONSE_FORMAT, max_completion_tokens: MAX_TOKENS };
      const answer = await client.chat.completions
        .create({ ...body, ...routing }, { signal, timeout: answerTimeoutMs })
        .catch((error: unknown) => {
          signal.throwIfAborted();
          throw toCaptionError(error);
        });
      return readReply(answer, request.platform);
    };
  };

  return {
    async write(request, signal) {
      const reply = await askTwice({ ask: askerFor(request, signal), request, log, signal });
      return {
        caption: cut(reply, request.platform),
        model: reply.model ?? request.model ?? config.CAPTIONS_MODEL,
        usage: reply.usage,
      };
    },
  };
}

interface Asking {
  ask: Ask;
  request: CaptionRequest;
  log: Log;
  signal: AbortSignal;
}

/** Takes two answers at most, since each costs: the second where the first is of no use, or too long. */
async function askTwice(asking: Asking): Promise<CaptionReply> {
  const { ask, request, log } = asking;
  const messages = toMessages(request);
  const first = await ask(messages).catch(takeUnusable);
  if (!(first instanceof CaptionUnusableError)) return repairIfLong(first, asking);
  log.warn({ err: first }, 'an answer without a caption is asked for once more');
  const second = await ask(messages).catch((error: unknown) => {
    // The engine would begin anew after trouble, and pay for both again.
    throw error instanceof CaptionTroubleError ? first : error;
  });
  return { ...second, usage: addUsage(first.usage, second.usage) };
}

function takeUnusable(error: unknown): CaptionUnusableError {
  if (error instanceof CaptionUnusableError) return error;
  throw error;
}

/**
 * Asks once more for a caption that is too long. What is paid for is kept: when that comes to nothing, the first one is
 * cut.
 */
async function repairIfLong(
  first: CaptionReply,
  { ask, request, log, signal }: Asking,
): Promise<CaptionReply> {
  const { platform } = request;
  if (platform === null || keepsLimit(first.caption, platform)) return first;
  try {
    const messages = [...toMessages(request), ...toRepairMessages(first.caption, platform)];
    const second = await ask(messages);
    return { ...second, usage: addUsage(first.usage, second.usage) };
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ err: error }, 'a caption that is too long was not shortened, and is cut');
    return first;
  }
}

/** @throws CaptionUnusableError when nothing of it can be kept */
function cut({ caption, usage }: CaptionReply, platform: CaptionPlatform | null): string {
  if (platform === null) return caption;
  const kept = shorten(caption, (text) => keepsLimit(text, platform), mostChars(platform));
  if (kept !== '') return kept;
  throw new CaptionUnusableError('The language model gave a caption that cannot be shortened', usage);
}
