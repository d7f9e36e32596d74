import { APIError } from 'openai';
import { CaptionAccessError, type CaptionError, CaptionRefusedError, CaptionTroubleError } from './errors.ts';

/** What is known of a refusal. Its words are not: they may repeat the prompt, or a part of the key. */
interface Refusal {
  status: number;
  /** The service's own codes and types, in small letters. */
  words: string[];
  /** OpenRouter says so when what was sent was judged. */
  isModerated: boolean;
  retryAfterMs: number | null;
}

/** States of trouble that pass, beside all from 500 on. */
const PASSING = new Set([408, 409, 425, 429]);
const NO_CREDIT = new Set(['insufficient_quota', 'billing_hard_limit_reached', 'insufficient_credits']);
const MODERATED = new Set(['content_policy_violation', 'content_filter', 'moderation_blocked']);

/** Gives our own error for what the client of the service threw. */
export function toCaptionError(error: unknown): CaptionError {
  if (!(error instanceof APIError) || error.status === undefined)
    return new CaptionTroubleError('captions_unavailable', 'The caption service did not answer', {
      cause: causeOf(error),
    });
  return byRefusal(describe(error.status, error.error, error.headers));
}

/** The same for an error that came in the body of a good answer; its code is a status, or nothing is known of it. */
export function readAnswerError(error: unknown): CaptionError {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : Number.NaN;
  return byRefusal(describe(code >= 400 && code <= 599 ? code : 502, error));
}

function byRefusal({ status, words, isModerated, retryAfterMs }: Refusal): CaptionError {
  const cause = new Error([status, ...words].join(' '));
  const isOf = (kinds: Set<string>) => words.some((word) => kinds.has(word));
  if (isModerated || isOf(MODERATED))
    return new CaptionRefusedError('caption_refused', 'The caption service refuses this content', { cause });
  if (status === 402 || isOf(NO_CREDIT))
    return new CaptionAccessError('captions_no_credit', 'The credit of the caption service is used up', {
      cause,
    });
  if (status === 401 || status === 403)
    return new CaptionAccessError('captions_unauthorized', 'The caption service does not accept its key', {
      cause,
    });
  if (status >= 500 || PASSING.has(status))
    return new CaptionTroubleError('captions_unavailable', `The caption service answered ${status}`, {
      cause,
      retryAfterMs,
    });
  return new CaptionRefusedError('captions_rejected', `The caption service answered ${status}`, { cause });
}

function describe(status: number, error: unknown, headers?: Headers): Refusal {
  const { code, type, metadata } = (error ?? {}) as Record<string, unknown>;
  const words = [code, type].filter((word) => typeof word === 'string' && /^[\w.-]{1,64}$/.test(word));
  const judged = (metadata ?? {}) as Record<string, unknown>;
  return {
    status,
    words: words.map((word) => String(word).toLowerCase()),
    isModerated: status === 403 && ('reasons' in judged || 'flagged_input' in judged),
    retryAfterMs: headers ? readRetryAfter(headers) : null,
  };
}

/** Milliseconds, as OpenAI adds them; else seconds or a date, as RFC 9110 has it. */
function readRetryAfter(headers: Headers): number | null {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN);
  if (ms >= 0) return ms;
  const text = headers.get('retry-after');
  if (text === null) return null;
  const waitMs = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : null;
}

/** Only the system's word for it: a library's own may hold what was sent, or what came. */
function causeOf(error: unknown): Error {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = (inner as NodeJS.ErrnoException | null)?.code;
  const name = error instanceof Error ? error.constructor.name : 'unknown reason';
  return new Error(typeof code === 'string' ? code : name);
}
