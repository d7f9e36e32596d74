import type { Writable } from 'node:stream';
import type { ExitCode } from './exitCodes.ts';
import type { Surroundings } from './settings.ts';

type Output = Writable & { isTTY?: boolean };

/** Everything a command has to do with the world, so that tests can bring their own. */
export interface Session extends Surroundings {
  stdout: Output;
  stderr: Output;
  /** Aborted when somebody asks to end. */
  signal: AbortSignal;
  version: string;
}

/** A command: takes the arguments after its name. Throws what it cannot go on with. */
export type Command = (args: string[], session: Session) => Promise<ExitCode>;
