import { setTimeout as delay } from 'node:timers/promises';
import { InterruptedError, NotReachableError, RefusedError } from './failures.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface Retrying {
  /** How long to go on without any progress. */
  patienceMs: number;
  signal: AbortSignal;
  /** Told before each pause. */
  onPause?: (error: Error, pauseMs: number) => void;
}

/** What an attempt calls when it came further: patience and pauses begin anew. */
export type NoteProgress = () => void;

/**
 * Makes an attempt, and again after a growing pause while its failure may pass: no connection, or an answer
 * that is worth another try. Answers may ask for a longer pause (`Retry-After`).
 *
 * @throws what the last attempt threw; InterruptedError
 */
export async function withRetries<T>(
  attempt: (noteProgress: NoteProgress) => Promise<T>,
  { patienceMs, signal, onPause }: Retrying,
): Promise<T> {
  let failures = 0;
  let troubleSince: number | undefined;
  const noteProgress = () => {
    failures = 0;
    troubleSince = undefined;
  };
  for (;;) {
    if (signal.aborted) throw new InterruptedError();
    try {
      return await attempt(noteProgress);
    } catch (error) {
      if (signal.aborted) throw new InterruptedError();
      if (!mayPass(error)) throw error;
      failures += 1;
      const pauseMs = choosePause(failures, error);
      troubleSince ??= Date.now();
      if (Date.now() + pauseMs - troubleSince > patienceMs) throw error;
      onPause?.(error, pauseMs);
      await pause(pauseMs, signal);
    }
  }
}

const mayPass = (error: unknown): error is NotReachableError | RefusedError =>
  error instanceof NotReachableError || (error instanceof RefusedError && error.isRetryable);

/** Doubled each time, with a random part so that many clients do not come back at the same moment. */
function choosePause(failures: number, error: NotReachableError | RefusedError): number {
  const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  const pauseMs = fullMs * (0.5 + Math.random() / 2);
  return error instanceof RefusedError ? Math.max(pauseMs, error.retryAfterMs ?? 0) : pauseMs;
}

/** Waits, and ends at once when asked to. @throws InterruptedError */
export async function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(pauseMs, undefined, { signal });
  } catch {
    throw new InterruptedError();
  }
}
