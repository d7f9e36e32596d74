import { z } from 'zod';
import { readRefusal } from '../openaiApi/refusal.ts';
import type { TranscriberError } from './errors.ts';
import { toTranscriberError, unavailable } from './failures.ts';

/** An item of a list with times; others than these are left out. */
const timed = { start: z.number(), end: z.number() };
const segment = z.object({ ...timed, text: z.string(), speaker: z.string().nullish().catch(null) });
const word = z.object({ ...timed, word: z.string() });

const answer = z.object({
  error: z.unknown().optional(),
  text: z.string().nullish().catch(null),
  language: z.string().nullish().catch(null),
  languages: z
    .array(z.object({ code: z.string() }))
    .nullish()
    .catch(null),
  segments: z.array(z.unknown()).nullish().catch(null),
  words: z.array(z.unknown()).nullish().catch(null),
});

export type AnswerSegment = z.infer<typeof segment>;
export type AnswerWord = z.infer<typeof word>;

/** The answer in any of the formats that tell a text, with what of it is of the right form. */
export interface Answer {
  /** Null where it tells none of its own, besides the segments'. */
  text: string | null;
  language: string | null;
  segments: AnswerSegment[];
  words: AnswerWord[];
}

/** Takes the first of them at most: nobody says more in the time, and a list has no end but this one. */
function takeGood<T>(schema: z.ZodType<T>, list: unknown[] | null | undefined, most: number): T[] {
  const good: T[] = [];
  for (const item of list ?? []) {
    if (good.length >= most) break;
    const { data, success } = schema.safeParse(item);
    if (success) good.push(data);
  }
  return good;
}

/** More than anybody says: Whisper at its worst tells a segment of one word after the other. */
const most = (durationSec: number) => ({ segments: 100 + 10 * durationSec, words: 200 + 20 * durationSec });

/**
 * Reads the body of a 200.
 *
 * @throws TranscriberError for an error in it, and for what holds no text
 */
export function readAnswer(body: unknown, durationSec: number): Answer {
  const { data, success } = answer.safeParse(body);
  if (!success) throw unavailable('The transcriber sent something that is no answer');
  if (data.error !== undefined && data.error !== null) throw errorInside(data.error);
  const limits = most(durationSec);
  const segments = takeGood(segment, data.segments, limits.segments);
  const text = data.text ?? null;
  const isSilence = data.segments?.length === 0;
  if (text === null && segments.length === 0 && !isSilence) {
    throw unavailable('The transcriber sent an answer without a text');
  }
  return {
    text,
    language: data.language ?? data.languages?.[0]?.code ?? null,
    segments,
    words: takeGood(word, data.words, limits.words),
  };
}

const errorInside = (error: unknown): TranscriberError =>
  toTranscriberError(readRefusal({ status: null, error, headers: null }));
