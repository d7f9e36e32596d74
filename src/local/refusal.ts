/**
 * Why the local stack cannot go on, in one message for the person at the terminal: shown without a stack trace.
 * Unlike the errors of `src/errors.ts` it never leaves the machine, so it may name files, ports and variables.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Puts whatever ended a command into words for the terminal. */
export function explainFailure(error: unknown): string {
  if (error instanceof Refusal || (error instanceof Error && error.name === 'ConfigError')) {
    return error.message;
  }
  if (isCode(error, 'ENOSPC')) return 'The disk is full: make room and start again.';
  if (isCode(error, 'EROFS') || isCode(error, 'EACCES')) {
    return `A file cannot be written: ${(error as Error).message}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
