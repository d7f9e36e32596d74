import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { AnswerTooLongError } from './exchange.ts';
import { plainToken, type Refusal, readRefusal } from './refusal.ts';

/**
 * How a call ended without an answer:
 * - `refused`: the service said so
 * - `late`: not in time
 * - `too_long`: with more than an answer can be
 * - `broken`: it could not be reached, or was cut off
 * - `garbled`: with something that is no answer
 *
 * `why` is the system's word for it. What the call ended with itself stays behind: it may hold the address, what was
 * sent, a part of the key, or bytes of an answer.
 */
export type CallFailure =
  | { kind: 'refused'; refusal: Refusal; requestId: string | null }
  | { kind: 'late' | 'too_long' }
  | { kind: 'broken' | 'garbled'; why: string | null };

/** Says what a call of the client came to that threw. Not for cancellations, which its caller knows of. */
export function readCallFailure(error: unknown): CallFailure {
  if (error instanceof APIConnectionTimeoutError) return { kind: 'late' };
  if (error instanceof APIConnectionError) {
    const { cause } = error;
    if (cause instanceof AnswerTooLongError) return { kind: 'too_long' };
    return {
      kind: 'broken',
      why: plainToken((cause as NodeJS.ErrnoException | undefined)?.code ?? nameOf(cause)),
    };
  }
  if (error instanceof APIError && error.status !== undefined) {
    const { status, headers = null, requestID } = error;
    const refusal = readRefusal({ status, error: error.error, headers });
    return { kind: 'refused', refusal, requestId: plainToken(requestID) };
  }
  return { kind: 'garbled', why: plainToken(nameOf(error)) };
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
