import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import {
  TranscriberBlockedError,
  type TranscriberError,
  TranscriberRejectedError,
  TranscriberTroubleError,
} from './errors.ts';
import { AnswerTooLongError } from './exchange.ts';
import { readRetryAfter } from './retryAfter.ts';

/** A refusal as it came: under its status, or as an error in the body of a 200. */
export interface Refusal {
  /** Null where only the body tells that it is one. */
  status: number | null;
  /** What stood under `error`. */
  error: unknown;
  headers: Pick<Headers, 'get'> | null;
}

/**
 * Codes and types of refusals that no waiting ends. The first is OpenAI's for every kind of exhausted credit; the
 * others are those of its accounts and of servers that speak its language.
 */
const EXHAUSTED = new Set([
  ...['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active'],
  ...['insufficient_credits', 'credits_exhausted', 'credit_exhausted'],
]);
const UNAUTHORIZED = new Set(['invalid_api_key', 'account_deactivated', 'access_terminated']);
const RATE_LIMITED = new Set(['rate_limit_exceeded', 'slow_down']);

/** Refusals that pass: a time that ran out over there, a lock, too early, too often. */
const PASSING = new Set([408, 409, 425, 429]);

/**
 * A word of somebody else's that may stand in our messages and logs: it names a kind of refusal, a field or a request.
 *
 * @returns null for what could be anything else
 */
export const plainToken = (value: unknown): string | null =>
  (typeof value === 'string' || typeof value === 'number') && /^[\w.[\]-]{1,40}$/.test(String(value))
    ? String(value)
    : null;

const fieldOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;

/** Puts a refusal into our words, by what can be done about it. */
export function toTranscriberError({ status, error, headers }: Refusal): TranscriberError {
  const kinds = [fieldOf(error, 'code'), fieldOf(error, 'type')].map(plainToken);
  const isOneOf = (set: Set<string>) => kinds.some((kind) => kind !== null && set.has(kind));
  const meant = status ?? readStatus(fieldOf(error, 'code'));
  const retryAfterMs = headers ? readRetryAfter(headers, Date.now()) : null;
  if (isOneOf(EXHAUSTED) || meant === 402) {
    return new TranscriberBlockedError(
      'transcriber_quota_exhausted',
      'The account at the transcriber has no credit left',
    );
  }
  if (meant === 401 || meant === 403 || isOneOf(UNAUTHORIZED)) {
    return new TranscriberBlockedError(
      'transcriber_unauthorized',
      `The transcriber does not accept the key, or not for this model (${meant ?? 200})`,
    );
  }
  if (meant === 429 || isOneOf(RATE_LIMITED)) {
    return new TranscriberTroubleError(
      'transcriber_rate_limited',
      'The transcriber asks to be asked less often',
      {
        retryAfterMs,
      },
    );
  }
  if (meant !== null && meant >= 300 && meant < 500 && !PASSING.has(meant)) {
    const why = [String(meant), ...kinds, plainToken(fieldOf(error, 'param'))].filter(
      (word) => word !== null,
    );
    return new TranscriberRejectedError(
      `The transcriber rejected the request (${[...new Set(why)].join(', ')})`,
    );
  }
  return unavailable(`The transcriber is in trouble (${meant ?? 'an error in its answer'})`, retryAfterMs);
}

/** OpenRouter and others put the status that they mean into the body. */
const readStatus = (code: unknown): number | null =>
  typeof code === 'number' && Number.isInteger(code) && code >= 400 && code < 600 ? code : null;

/** Trouble that may pass. */
export const unavailable = (message: string, retryAfterMs: number | null = null): TranscriberTroubleError =>
  new TranscriberTroubleError('transcriber_unavailable', message, { retryAfterMs });

/**
 * Puts whatever a request ended with into our words. What it ended with itself stays behind: it may hold the address,
 * a part of the key, or bytes of an answer.
 */
export function readFailure(error: unknown): { failure: TranscriberError; facts: object } {
  if (error instanceof APIConnectionTimeoutError) {
    return { failure: unavailable('The transcriber did not answer in time'), facts: {} };
  }
  if (error instanceof APIConnectionError) {
    const { cause } = error;
    const why = plainToken(
      (cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error | undefined)?.name,
    );
    const message =
      cause instanceof AnswerTooLongError
        ? 'The transcriber sent more than an answer can be'
        : 'The transcriber could not be reached, or its answer was cut off';
    return { failure: unavailable(message), facts: { why } };
  }
  if (error instanceof APIError) {
    const { status = null, headers = null, requestID } = error;
    const facts = { status, kind: plainToken(error.code), requestId: plainToken(requestID) };
    return { failure: toTranscriberError({ status, error: error.error, headers }), facts };
  }
  const why = error instanceof Error ? error.name : typeof error;
  return { failure: unavailable('The transcriber sent something that is no answer'), facts: { why } };
}
