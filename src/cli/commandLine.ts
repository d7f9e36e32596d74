import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './failures.ts';

/**
 * One option: what `parseArgs` reads and the help shows. Node's own parser is enough here: options, values,
 * repeats and file names are all there is; commands are looked up in a table (run.ts).
 */
export interface OptionSpec {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** How the value is called in the help. */
  value?: string;
  help: string;
}

export type OptionSpecs = Record<string, OptionSpec>;

type Value<Spec extends OptionSpec> = Spec extends { type: 'boolean' }
  ? boolean
  : Spec extends { multiple: true }
    ? string[]
    : string;

/** The values by the options' names; what was not given is not there. */
export type OptionValues<Specs extends OptionSpecs> = {
  -readonly [Name in keyof Specs]?: Value<Specs[Name]>;
};

/** Reads options and what stands beside them. @throws UsageError */
export function readCommandLine<Specs extends OptionSpecs>(
  args: string[],
  specs: Specs,
): { values: OptionValues<Specs>; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  ) satisfies ParseArgsConfig['options'];
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    return { values: values as OptionValues<Specs>, positionals };
  } catch (error) {
    throw new UsageError(firstSentence(error));
  }
}

/** The parser's messages go on with advice that is not ours. */
const firstSentence = (error: unknown): string =>
  error instanceof Error ? (error.message.split(/\. |\n/)[0] ?? error.message) : 'The options are wrong';

/** Reads a whole number out of an option. @throws UsageError */
export function readCount(name: string, text: string | undefined, { fallback, least, most }: Count): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`--${name} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

interface Count {
  fallback: number;
  least: number;
  most: number;
}

export const HELP_OPTION = { help: { type: 'boolean', short: 'h', help: 'Show this help' } } as const;

/** How every command that talks to the server finds it. */
export const ACCESS_OPTIONS = {
  url: { type: 'string', value: 'URL', help: 'Address of the server, such as https://videos.example.com' },
  token: { type: 'string', value: 'TOKEN', help: 'Token to use; other users of a machine can see it here' },
} as const;
