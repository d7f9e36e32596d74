import type { OptionSpecs } from './commandLine.ts';
import { EXIT_MEANINGS } from './exitCodes.ts';

const COLUMN = 26;
const WIDTH = 100;

export interface HelpParts {
  usage: string[];
  summary: string;
  commands?: ReadonlyArray<readonly [string, string]>;
  options: OptionSpecs;
  /** Paragraphs between the options and what all commands have in common. */
  notes?: string[];
}

const ACCESS_NOTE =
  'Address and token come from --url and --token, else VIDEOFLOW_URL and VIDEOFLOW_TOKEN, else ' +
  '~/.config/videoflow/config.json ({"url": "…", "token": "…"}; XDG_CONFIG_HOME is honoured), else ' +
  '.data/local.json of an "npm start" in this folder. A token in a file is only sent to the address in that file.';

/** Gives the help text of a command. */
export function renderHelp({ usage, summary, commands = [], options, notes = [] }: HelpParts): string {
  const sections = [
    usage.map((line, index) => `${index === 0 ? 'Usage: ' : '       '}${line}`).join('\n'),
    wrap(summary, ''),
    section('Commands', commands),
    section('Options', Object.entries(options).map(describeOption)),
    ...notes.map((note) => wrap(note, '')),
    wrap(ACCESS_NOTE, ''),
    section(
      'Exit codes',
      EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning] as const),
      6,
    ),
  ];
  return `${sections.filter(Boolean).join('\n\n')}\n`;
}

function describeOption([name, { short, value, help, multiple }]: [string, OptionSpecs[string]]) {
  const left = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
  return [left, multiple ? `${help} (may be given several times)` : help] as const;
}

function section(title: string, rows: ReadonlyArray<readonly [string, string]>, column = COLUMN): string {
  if (rows.length === 0) return '';
  return [`${title}:`, ...rows.map(([left, right]) => row(left, right, column))].join('\n');
}

function row(left: string, right: string, column: number): string {
  const text = wrap(right, ' '.repeat(column));
  return left.length + 3 > column ? `  ${left}\n${text}` : `  ${left}`.padEnd(column) + text.slice(column);
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, indent + line].join('\n');
}
