/** The words and rules of deliveries to webhooks, by the Standard Webhooks specification (standardwebhooks.com, 1.0.0). */
import { readRetryAfter } from './retryAfter.ts';

/** A `ping` is sent because somebody asked whether it works; it is no event. */
export const DELIVERY_KINDS = ['event', 'ping'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/** `cancelled`: the webhook was disabled, or the event is no longer kept. */
export const DELIVERY_STATES = ['pending', 'succeeded', 'failed', 'cancelled'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What a ping is called; it is no type of event. */
export const PING_TYPE = 'webhook.ping';

/** What came of one attempt. */
export interface AttemptOutcome {
  /** Of the answer; null when there was none. */
  status: number | null;
  /** As the answer had it. */
  retryAfter: string | null;
}

/** What an attempt makes of its delivery. `gone`: it has failed, and the receiver wants nothing any more. */
export type Verdict = { state: 'succeeded' | 'failed' | 'gone' } | { state: 'pending'; nextAttemptAt: Date };

export interface Attempt {
  /** Its number in the present schedule, from 1. */
  number: number;
  startedAt: Date;
}

/** A wait is stretched by up to this much, so that what failed together does not come back together. */
const JITTER = 0.1;
/** Failures that are too few may all be of one bad minute, days ago. */
export const MIN_FAILURES = 3;
const GONE = 410;
const ASKS_TO_WAIT = [429, 503];

/**
 * Says how a delivery goes on after an attempt: a receiver has taken it when it answers 2xx, and 410 says that it is gone;
 * everything else, redirects too, is a failure that is tried again as scheduled, counted from the attempt's beginning.
 * `Retry-After` may make that later, up to a day, never sooner.
 *
 * @param retrySec the waits after the first attempt, the second, and so on
 * @param random from 0 to 1
 */
export function judgeAttempt(
  { status, retryAfter }: AttemptOutcome,
  { number, startedAt }: Attempt,
  { retrySec, now, random }: { retrySec: readonly number[]; now: Date; random: number },
): Verdict {
  if (status !== null && status >= 200 && status < 300) return { state: 'succeeded' };
  if (status === GONE) return { state: 'gone' };
  const waitSec = retrySec[number - 1];
  if (waitSec === undefined) return { state: 'failed' };
  const scheduledMs = startedAt.getTime() + waitSec * 1000 * (1 + JITTER * random);
  const isAsked = status !== null && ASKS_TO_WAIT.includes(status);
  const askedMs = isAsked ? readRetryAfter(retryAfter, now.getTime()) : null;
  return {
    state: 'pending',
    nextAttemptAt: new Date(Math.max(scheduledMs, askedMs === null ? 0 : now.getTime() + askedMs)),
  };
}

/** Says whether a webhook has failed for so long, and often enough, that it is given up. */
export const isFailingForGood = (
  { failingSince, failures }: { failingSince: Date; failures: number },
  { disableAfterSec, now }: { disableAfterSec: number; now: Date },
): boolean => failures >= MIN_FAILURES && now.getTime() - failingSince.getTime() >= disableAfterSec * 1000;

/** Why a webhook was disabled by itself. */
export const DISABLED_REASONS = ['gone', 'failing'] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** So many deliveries to one webhook are on their way at once. */
export const MAX_AT_ONCE = 4;
