import { VideoflowError } from '../errors.ts';
import { InterruptedError, isNoAccess, NotReachableError, UsageError } from './failures.ts';

/** How the command ends; scripts decide by it. The table of `--help` is made of these. */
export const EXIT = {
  ok: 0,
  someFailed: 1,
  usage: 2,
  noAccess: 3,
  broken: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code says, for the help. */
export const EXIT_MEANINGS: ReadonlyArray<[ExitCode, string]> = [
  [EXIT.ok, 'everything went well'],
  [EXIT.someFailed, 'something failed; with several files, at least one of them'],
  [EXIT.usage, 'the command was not understood, or no address or token is known'],
  [EXIT.noAccess, 'the server cannot be reached, or refuses the token'],
  [EXIT.broken, 'a fault of videoflow itself or of its installation'],
  [EXIT.interrupted, 'interrupted, by Ctrl-C for example; what was begun can be gone on with'],
];

/** Gives the exit code that a failure stands for, or the lack of one. */
export function exitCodeOf(failure: unknown): ExitCode {
  if (failure === null) return EXIT.ok;
  if (failure instanceof UsageError) return EXIT.usage;
  if (failure instanceof InterruptedError) return EXIT.interrupted;
  if (failure instanceof NotReachableError || isNoAccess(failure)) return EXIT.noAccess;
  return failure instanceof VideoflowError ? EXIT.someFailed : EXIT.broken;
}
