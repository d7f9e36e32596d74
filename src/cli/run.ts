import { readFileSync } from 'node:fs';
import { VideoflowError } from '../errors.ts';
import { HELP_OPTION, type OptionSpecs, readCommandLine } from './commandLine.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exitCodes.ts';
import { UsageError } from './failures.ts';
import { renderHelp } from './help.ts';
import type { Command, Session } from './session.ts';
import { printable } from './text.ts';

/** Loaded when called for: asking for the help must not wait for what uploads need. */
const COMMANDS: Record<string, { summary: string; load: () => Promise<Command> }> = {
  upload: {
    summary: 'Upload files, going on where an earlier call left off',
    load: async () => (await import('./upload/command.ts')).uploadCommand,
  },
  'telegram link': {
    summary: 'Have notices sent to a Telegram chat of yours',
    load: async () => (await import('./telegram/link.ts')).linkCommand,
  },
  'admin housekeeping': {
    summary: 'Remove expired uploads, orphaned objects and leftovers',
    load: async () => (await import('./admin/housekeeping.ts')).housekeepingCommand,
  },
};

const OPTIONS = {
  ...HELP_OPTION,
  version: { type: 'boolean', short: 'V', help: 'Show the version' },
} as const satisfies OptionSpecs;

/** Runs a command line (without the program's name) and gives the exit code; throws nothing. */
export async function run(args: string[], session: Session): Promise<ExitCode> {
  try {
    const [name, rest] = findCommand(args);
    if (name === null) return runBare(args, session);
    const command = await COMMANDS[name]?.load();
    return command ? await command(rest, session) : EXIT.broken;
  } catch (error) {
    session.stderr.write(`videoflow: ${describe(error)}\n`);
    return exitCodeOf(error);
  }
}

function findCommand(args: string[]): [string | null, string[]] {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ');
    if (Object.hasOwn(COMMANDS, name)) return [name, args.slice(words)];
  }
  return [null, args];
}

function runBare(args: string[], { stdout, version }: Session): ExitCode {
  // `videoflow admin --help` shows what there is under `admin`, too.
  const { values, positionals } = readCommandLine(args, OPTIONS);
  if (values.version) {
    stdout.write(`${version}\n`);
    return EXIT.ok;
  }
  const isGroup = Object.keys(COMMANDS).some((name) => name.startsWith(`${positionals.join(' ')} `));
  if (values.help && (positionals.length === 0 || isGroup)) {
    stdout.write(bareHelp());
    return EXIT.ok;
  }
  const given = printable(positionals.join(' '));
  throw new UsageError(
    given ? `There is no command "${given}"; see videoflow --help` : 'See videoflow --help',
  );
}

const bareHelp = (): string =>
  renderHelp({
    usage: ['videoflow COMMAND [OPTIONS]'],
    summary: 'Works with a videoflow server from the command line.',
    commands: Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const),
    options: OPTIONS,
    notes: ['"videoflow COMMAND --help" tells more about a command.'],
  });

/** What is not ours to explain comes with its stack: it is a fault to be reported. */
function describe(error: unknown): string {
  if (error instanceof VideoflowError) return printable(error.message);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The version of the package that this file belongs to, as a checkout or installed. */
export function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return String(JSON.parse(readFileSync(file, 'utf8')).version);
}
