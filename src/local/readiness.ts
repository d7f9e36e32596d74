import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

interface Patience {
  died: AbortSignal;
  timeoutMs: number;
  what: string;
}

const POLL_MS = 100;

/**
 * Waits until a program prints a line that matches.
 *
 * @throws when it dies before, or takes longer than `timeoutMs`
 */
export function waitForLine(stream: Readable | null, pattern: RegExp, patience: Patience): Promise<void> {
  const { died, timeoutMs, what } = patience;
  return new Promise((resolve, reject) => {
    let seen = '';
    const finish = (error?: Error) => {
      clearTimeout(timer);
      stream?.off('data', look);
      died.removeEventListener('abort', onDeath);
      if (error) reject(error);
      else resolve();
    };
    const look = (chunk: Buffer | string) => {
      seen = (seen + chunk).slice(-4096);
      if (pattern.test(seen)) finish();
    };
    const onDeath = () => finish(died.reason as Error);
    const timer = setTimeout(
      () => finish(new Error(`${what} was not ready after ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    stream?.on('data', look);
    if (died.aborted) onDeath();
    else died.addEventListener('abort', onDeath);
  });
}

/**
 * Asks until the answer is yes; a question that throws is a no.
 *
 * @throws when the program dies before, or it takes longer than `timeoutMs`
 */
export async function waitForYes(
  ask: () => Promise<boolean>,
  { died, timeoutMs, what }: Patience,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await ask().catch(() => false))) {
    died.throwIfAborted();
    if (Date.now() > deadline) throw new Error(`${what} was not ready after ${timeoutMs / 1000} s`);
    await delay(POLL_MS);
  }
}
