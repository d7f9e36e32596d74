import OpenAI from 'openai';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { Config } from '../config.ts';
import type { CaptionUsage } from '../domain/caption.ts';
import type { CaptionPlatform } from '../domain/captionLimits.ts';
import type { Log } from '../log.ts';
import { boundedFetch } from './boundedFetch.ts';
import { keepsLimit } from './countLength.ts';
import { CaptionTroubleError } from './errors.ts';
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
  const client = new OpenAI({
    baseURL: config.CAPTIONS_BASE_URL,
    apiKey: config.OPENROUTER_API_KEY,
    // The client would else take these from the environment, and send them to whomever is configured here.
    ...{ organization: null, project: null, adminAPIKey: null },
    // Who repeats, how often and when, is for the engine to say.
    ...{ maxRetries: 0, timeout: answerTimeoutMs, logLevel: 'off', fetch: boundedFetch },
  });
  // Else OpenRouter may choose a provider that does not know what a schema is.
  const routing = OPENROUTER_HOST.test(new URL(config.CAPTIONS_BASE_URL).hostname)
    ? { provider: { require_parameters: true } }
    : {};

  const askerFor = (request: CaptionRequest, signal: AbortSignal): Ask => {
    const model = request.model ?? config.CAPTIONS_MODEL;
    return async (messages) => {
      const body = { model, messages, response_format: RESPONSE_FORMAT, max_completion_tokens: MAX_TOKENS };
      const patience = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
      const answer = await client.chat.completions
        .create({ ...body, ...routing }, { signal: patience })
        .catch((error: unknown) => {
          signal.throwIfAborted();
          throw toCaptionError(error);
        });
      return readReply(answer, request.platform);
    };
  };

  return {
    async write(request, signal) {
      const ask = askerFor(request, signal);
      const first = await ask(toMessages(request));
      const reply = await repairIfLong(first, { ask, request, log, signal });
      const { model } = reply;
      return {
        caption: cut(reply.caption, request.platform),
        model: model ?? request.model ?? config.CAPTIONS_MODEL,
        usage: reply.usage,
      };
    },
  };
}

/**
 * Asks once more for a caption that is too long. What is paid for is kept: when that comes to nothing, the first one is
 * cut.
 */
async function repairIfLong(
  first: CaptionReply,
  { ask, request, log, signal }: { ask: Ask; request: CaptionRequest; log: Log; signal: AbortSignal },
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

/** @throws CaptionTroubleError when nothing of it can be kept */
function cut(caption: string, platform: CaptionPlatform | null): string {
  if (platform === null) return caption;
  const kept = shorten(caption, (text) => keepsLimit(text, platform));
  if (kept !== '') return kept;
  throw new CaptionTroubleError(
    'captions_unusable',
    'The language model gave a caption that cannot be shortened',
  );
}
