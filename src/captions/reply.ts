import { z } from 'zod';
import type { CaptionUsage } from '../domain/caption.ts';
import { CAPTION_LIMITS, type CaptionLimit, type CaptionPlatform } from '../domain/captionLimits.ts';
import { CaptionRefusedError, CaptionTroubleError } from './errors.ts';
import { readAnswerError } from './failures.ts';

/** What an answer says, as far as it is of use. */
export interface CaptionReply {
  caption: string;
  /** Null where the service does not say. */
  model: string | null;
  usage: CaptionUsage | null;
}

/** More than the largest limit; longer ones are cut before anything is counted. */
const MAX_CAPTION_CHARS = 70_000;
/** Names of models are kept and shown; what looks otherwise is none. */
const MODEL = /^[\x20-\x7e]{1,200}$/;

const count = z.number().int().nonnegative().nullish().catch(null);
const usageSchema = z
  .object({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
  .nullish()
  .catch(null);
const replySchema = z.object({
  error: z.unknown().optional(),
  model: z.string().regex(MODEL).nullish().catch(null),
  choices: z
    .array(
      z.object({
        error: z.unknown().optional(),
        finish_reason: z.string().nullish().catch(null),
        message: z
          .object({ content: z.string().nullish(), refusal: z.string().nullish() })
          .nullish()
          .catch(null),
      }),
    )
    .nullish()
    .catch(null),
  usage: usageSchema,
});
const captionSchema = z.object({ caption: z.string() });

/**
 * Reads an answer that came with a good status, which does not make it a good answer: once a model has begun, its
 * errors arrive in the body.
 *
 * @throws CaptionError
 */
export function readReply(body: unknown, platform: CaptionPlatform | null): CaptionReply {
  const parsed = replySchema.safeParse(body);
  if (!parsed.success) throw unusable('no JSON object');
  const { error, model, choices, usage } = parsed.data;
  if (error) throw readAnswerError(error);
  const choice = choices?.[0];
  if (choice?.error) throw readAnswerError(choice.error);
  if (!choice?.message) throw unusable('no choice');
  assertFinished(choice.finish_reason ?? null, choice.message.refusal ?? null);
  const caption = tidy(readCaption(choice.message.content ?? ''), platform);
  if (caption === '') throw unusable('an empty caption');
  return { caption, model: model ?? null, usage: toUsage(usage) };
}

function assertFinished(finishReason: string | null, refusal: string | null): void {
  if (finishReason === 'content_filter' || refusal)
    throw new CaptionRefusedError('caption_refused', 'The language model refused to write this caption');
  if (finishReason === 'error')
    throw new CaptionTroubleError('captions_unavailable', 'The language model broke off with an error');
  if (finishReason === 'length') throw unusable('an answer without an end');
}

/** Some models put their JSON into a fence all the same. */
function readCaption(answer: string): string {
  const json = /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(answer)?.[1] ?? answer;
  try {
    return captionSchema.parse(JSON.parse(json)).caption;
  } catch {
    throw unusable('something else than a caption');
  }
}

/** Gives a caption as it can be stored and posted: no control characters, nothing that the platform refuses. */
function tidy(caption: string, platform: CaptionPlatform | null): string {
  const limit: CaptionLimit | null = platform && CAPTION_LIMITS[platform];
  const text = caption
    .slice(0, MAX_CAPTION_CHARS)
    .replace(/\r\n?/g, '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
    .toWellFormed();
  return [...(limit?.forbidden ?? '')].reduce((left, sign) => left.replaceAll(sign, ''), text).trim();
}

const toUsage = (usage: z.output<typeof usageSchema>): CaptionUsage | null =>
  usage
    ? {
        promptTokens: usage.prompt_tokens ?? null,
        completionTokens: usage.completion_tokens ?? null,
        totalTokens: usage.total_tokens ?? null,
      }
    : null;

const sum = (one: number | null, other: number | null): number | null =>
  one === null ? other : one + (other ?? 0);

/** Adds up what several answers cost. */
export function addUsage(one: CaptionUsage | null, other: CaptionUsage | null): CaptionUsage | null {
  if (!one || !other) return one ?? other;
  return {
    promptTokens: sum(one.promptTokens, other.promptTokens),
    completionTokens: sum(one.completionTokens, other.completionTokens),
    totalTokens: sum(one.totalTokens, other.totalTokens),
  };
}

const unusable = (what: string): CaptionTroubleError =>
  new CaptionTroubleError('captions_unusable', `The language model gave ${what}`);
