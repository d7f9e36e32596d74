import { readCallFailure } from '../openaiApi/callFailure.ts';
import type { Refusal } from '../openaiApi/refusal.ts';
import {
  TranscriberBlockedError,
  type TranscriberError,
  TranscriberRejectedError,
  TranscriberTroubleError,
} from './errors.ts';

/** Puts a refusal into our words, by what can be done about it. */
export function toTranscriberError({ kind, status, words, param, retryAfterMs }: Refusal): TranscriberError {
  switch (kind) {
    case 'exhausted':
      return new TranscriberBlockedError(
        'transcriber_quota_exhausted',
        'The account at the transcriber has no credit left',
      );
    case 'unauthorized':
      return new TranscriberBlockedError(
        'transcriber_unauthorized',
        `The transcriber does not accept the key, or not for this model (${status ?? 200})`,
      );
    case 'rate_limited':
      return new TranscriberTroubleError(
        'transcriber_rate_limited',
        'The transcriber asks to be asked less often',
        { retryAfterMs },
      );
    case 'moderated':
    case 'rejected': {
      const why = new Set([status, ...words, param].filter((word) => word !== null).map(String));
      return new TranscriberRejectedError(`The transcriber rejected the request (${[...why].join(', ')})`);
    }
    case 'trouble':
      return unavailable(
        `The transcriber is in trouble (${status ?? 'an error in its answer'})`,
        retryAfterMs,
      );
  }
}

/** Trouble that may pass. */
export const unavailable = (message: string, retryAfterMs: number | null = null): TranscriberTroubleError =>
  new TranscriberTroubleError('transcriber_unavailable', message, { retryAfterMs });

const MESSAGES = {
  late: 'The transcriber did not answer in time',
  too_long: 'The transcriber sent more than an answer can be',
  broken: 'The transcriber could not be reached, or its answer was cut off',
  garbled: 'The transcriber sent something that is no answer',
};

/** Puts whatever a request ended with into our words, and gives what the log may hold of it. */
export function readFailure(error: unknown): { failure: TranscriberError; facts: object } {
  const call = readCallFailure(error);
  if (call.kind !== 'refused') {
    const { kind, ...facts } = call;
    return { failure: unavailable(MESSAGES[kind]), facts };
  }
  const { refusal, requestId } = call;
  const facts = { status: refusal.status, kind: refusal.words[0] ?? null, requestId };
  return { failure: toTranscriberError(refusal), facts };
}
