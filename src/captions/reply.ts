import { z } from 'zod';
import type { CaptionUsage } from '../domain/caption.ts';
import { CAPTION_LIMITS, type CaptionLimit, type CaptionPlatform } from '../domain/captionLimits.ts';
import { CaptionRefusedError, CaptionTroubleError, CaptionUnusableError } from './errors.ts';
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
  if (!parsed.success) throw new CaptionTroubleError('The caption service gave something that is no answer');
  const { error, model, choices } = parsed.data;
  if (error) throw readAnswerError(error);
  const usage = toUsage(parsed.data.usage);
  const choice = choices?.[0];
  if (choice?.error) throw readAnswerError(choice.error);
  if (!choice?.message) throw new CaptionUnusableError('The language model gave no choice', usage);
  const { content, refusal } = choice.message;
  assertWilling(choice.finish_reason ?? null, refusal ?? null);
  if (choice.finish_reason === 'length')
    throw new CaptionUnusableError('The language model came to no end', usage);
  const caption = tidy(readCaption(content ?? '') ?? '', platform);
  if (caption === '') throw new CaptionUnusableError('The language model gave no caption', usage);
  return { caption, model: model ?? null, usage };
}

function assertWilling(finishReason: string | null, refusal: string | null): void {
  if (finishReason === 'content_filter' || refusal)
    throw new CaptionRefusedError('caption_refused', 'The language model refused to write this caption');
  if (finishReason === 'error') throw new CaptionTroubleError('The language model broke off with an error');
}

/** Gives null for anything else than what was asked for. */
function readCaption(answer: string): string | null {
  try {
    return captionSchema.parse(JSON.parse(withoutFence(answer))).caption;
  } catch {
    return null;
  }
}

const FENCE = '```';
const FENCED_AS = 'json';

/** Some models put their JSON into a fence all the same. */
function withoutFence(answer: string): string {
  const text = answer.trim();
  const isFenced = text.startsWith(FENCE) && text.endsWith(FENCE) && text.length > 2 * FENCE.length;
  if (!isFenced) return text;
  const inside = text.slice(FENCE.length, -FENCE.length);
  return inside.startsWith(FENCED_AS) ? inside.slice(FENCED_AS.length) : inside;
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
