import type { IncomingMessage } from 'node:http';
import { causeOf, SourceTroubleError } from './errors.ts';

export interface PaceLimits {
  minBytesPerSec: number;
  /** How long the speed is measured before it is judged. */
  windowMs: number;
  /** A sender that is silent for so long is gone. */
  idleMs: number;
}

/** Judges how fast bytes come; the time that they are written in is not the sender's. */
export interface Pace {
  /** @throws SourceTroubleError `source_too_slow` */
  note(bytes: number, waitedMs: number): void;
}

export function createPace({ minBytesPerSec, windowMs }: PaceLimits): Pace {
  let bytes = 0;
  let waitedMs = 0;
  return {
    note(newBytes, newWaitedMs) {
      bytes += newBytes;
      waitedMs += newWaitedMs;
      if (waitedMs < windowMs) return;
      const bytesPerSec = Math.floor((bytes * 1000) / waitedMs);
      if (bytesPerSec < minBytesPerSec) {
        throw new SourceTroubleError(
          'source_too_slow',
          `The source sends ${bytesPerSec} bytes a second; at least ${minBytesPerSec} are needed`,
        );
      }
      bytes = 0;
      waitedMs = 0;
    },
  };
}

/**
 * The bytes of an answer as they come.
 *
 * @throws SourceTroubleError `source_interrupted` when they break off or fall silent, `source_too_slow`
 */
export async function* readPaced(
  response: IncomingMessage,
  pace: Pace,
  { idleMs }: Pick<PaceLimits, 'idleMs'>,
): AsyncGenerator<Buffer> {
  const chunks = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      const askedAt = performance.now();
      const silence = setTimeout(() => response.destroy(new Error('silence')), idleMs);
      const { done, value } = await chunks
        .next()
        .catch((error) => {
          throw interrupted(error);
        })
        .finally(() => clearTimeout(silence));
      if (done) break;
      pace.note(value.length, performance.now() - askedAt);
      yield value;
    }
  } finally {
    response.destroy();
  }
}

/** Gives the error of a transfer that broke off. */
export const interrupted = (cause?: unknown): SourceTroubleError =>
  new SourceTroubleError(
    'source_interrupted',
    'The transfer from the source broke off',
    cause === undefined ? {} : { cause: causeOf(cause) },
  );
