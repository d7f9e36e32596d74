import { readWait } from './retryAfter.ts';

/**
 * What can be done about a refusal:
 * - `exhausted`: somebody has to pay
 * - `unauthorized`: somebody has to set a key that may
 * - `moderated`: what was sent was judged
 * - `rejected`: the same request is refused again
 * - `rate_limited`: to be asked less often
 * - `trouble`: it may be well again later
 */
export type RefusalKind =
  | 'exhausted'
  | 'unauthorized'
  | 'moderated'
  | 'rejected'
  | 'rate_limited'
  | 'trouble';

/** What is known of a refusal. Its words are not: they may repeat what was sent, or a part of the key. */
export interface Refusal {
  kind: RefusalKind;
  /** The one of the answer, or the one that an error in the body of a 200 means; null where there is none. */
  status: number | null;
  /** The service's own code and type, as they came. */
  words: string[];
  /** Which field it complains about. */
  param: string | null;
  retryAfterMs: number | null;
}

/** A refusal as it came. */
export interface RawRefusal {
  /** Null where only the body tells that it is one. */
  status: number | null;
  /** What stood under `error`. */
  error: unknown;
  headers: Pick<Headers, 'get'> | null;
}

/**
 * Codes and types, in small letters. The first of those that no waiting ends is OpenAI's for every kind of exhausted
 * credit; the others are those of its accounts and of servers that speak its language.
 */
const WORDS = {
  moderated: ['content_policy_violation', 'content_filter', 'moderation_blocked'],
  exhausted: [
    ...['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active'],
    ...['insufficient_credits', 'credits_exhausted', 'credit_exhausted'],
  ],
  unauthorized: ['invalid_api_key', 'account_deactivated', 'access_terminated'],
  rate_limited: ['rate_limit_exceeded', 'slow_down'],
} as const satisfies Partial<Record<RefusalKind, string[]>>;

/** Refusals that pass: a time that ran out over there, a lock, too early. */
const PASSING = new Set([408, 409, 425]);

/**
 * A word of somebody else's that may stand in our messages and logs: it names a kind of refusal, a field or a request.
 *
 * @returns null for what could be anything else
 */
export const plainToken = (value: unknown): string | null =>
  (typeof value === 'string' || typeof value === 'number') && /^[\w.[\]-]{1,40}$/.test(String(value))
    ? String(value)
    : null;

/** Says what a refusal comes to, under whichever status it came, or none. */
export function readRefusal({ status, error, headers }: RawRefusal): Refusal {
  const { code, type, param, metadata } = fieldsOf(error);
  const words = [code, type].map(plainToken).filter((word) => word !== null);
  const meant = status ?? readStatus(code);
  return {
    kind: kindOf(meant, words, fieldsOf(metadata)),
    status: meant,
    words,
    param: plainToken(param),
    retryAfterMs: headers ? readWait(headers, Date.now()) : null,
  };
}

function kindOf(status: number | null, words: string[], judged: Record<string, unknown>): RefusalKind {
  const isOneOf = (kinds: readonly string[]) => words.some((word) => kinds.includes(word.toLowerCase()));
  // OpenRouter says why under the status of a wrong key.
  const isJudged = status === 403 && ('reasons' in judged || 'flagged_input' in judged);
  if (isJudged || isOneOf(WORDS.moderated)) return 'moderated';
  if (status === 402 || isOneOf(WORDS.exhausted)) return 'exhausted';
  if (status === 401 || status === 403 || isOneOf(WORDS.unauthorized)) return 'unauthorized';
  if (status === 429 || isOneOf(WORDS.rate_limited)) return 'rate_limited';
  return status === null || status >= 500 || PASSING.has(status) ? 'trouble' : 'rejected';
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** OpenRouter and others put the status that they mean into the body. */
function readStatus(code: unknown): number | null {
  const status = typeof code === 'number' || typeof code === 'string' ? Number(code) : Number.NaN;
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : null;
}
