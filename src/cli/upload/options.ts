import { OPTIONAL_STEPS } from '../../domain/video.ts';
import {
  ACCESS_OPTIONS,
  HELP_OPTION,
  type OptionSpecs,
  type OptionValues,
  readCommandLine,
  readCount,
} from '../commandLine.ts';
import { UsageError } from '../failures.ts';
import { renderHelp } from '../help.ts';

const DEFAULT_PARALLEL = 3;
const MOST_PARALLEL = 16;
const DEFAULT_PATIENCE_SEC = 600;
const DAY_SEC = 24 * 3600;

const OPTIONS = {
  parallel: {
    type: 'string',
    short: 'p',
    value: 'N',
    help: `Files on their way at the same time (1–${MOST_PARALLEL}, default ${DEFAULT_PARALLEL})`,
  },
  wait: {
    type: 'boolean',
    short: 'w',
    help: 'Wait until the videos are ready; one that fails counts as failed',
  },
  json: { type: 'boolean', help: 'Write one line of JSON for each file, as it ends, to standard output' },
  title: { type: 'string', value: 'TEXT', help: 'Title (one file only); the name of the file otherwise' },
  description: { type: 'string', value: 'TEXT', help: 'Description' },
  tag: { type: 'string', multiple: true, value: 'WORD', help: 'Tag' },
  'user-id': { type: 'string', value: 'ID', help: 'The end user in your own system, a label to filter by' },
  'external-id': { type: 'string', value: 'ID', help: 'Your own id of the video (one file only)' },
  process: {
    type: 'string',
    multiple: true,
    value: 'STEP',
    help: `Steps wanted beside the check of the file: ${OPTIONAL_STEPS.join(', ')}, with commas between, or none; default all but audio`,
  },
  'retry-for': {
    type: 'string',
    value: 'SECONDS',
    help: `How long to try again without getting any further (default ${DEFAULT_PATIENCE_SEC})`,
  },
  ...ACCESS_OPTIONS,
  ...HELP_OPTION,
} as const satisfies OptionSpecs;

/** What `videoflow upload` was asked to do. */
export interface UploadRequest {
  files: string[];
  access: { url?: string; token?: string };
  parallel: number;
  isToWait: boolean;
  isJson: boolean;
  patienceMs: number;
  /** What is told of every video beside its file name, as the protocol's metadata. */
  metadata: Record<string, string>;
}

/** Reads the arguments; gives null when only the help is wanted. @throws UsageError */
export function readUploadRequest(args: string[]): UploadRequest | null {
  const { values, positionals: files } = readCommandLine(args, OPTIONS);
  if (values.help) return null;
  if (files.length === 0) throw new UsageError('Which files? See videoflow upload --help');
  for (const name of ['title', 'external-id'] as const) {
    if (values[name] !== undefined && files.length > 1) {
      throw new UsageError(`--${name} can only be given with a single file`);
    }
  }
  const { url, token, parallel, 'retry-for': retryFor } = values;
  return {
    files,
    access: { ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) },
    parallel: readCount('parallel', parallel, { fallback: DEFAULT_PARALLEL, least: 1, most: MOST_PARALLEL }),
    isToWait: values.wait ?? false,
    isJson: values.json ?? false,
    patienceMs:
      readCount('retry-for', retryFor, { fallback: DEFAULT_PATIENCE_SEC, least: 0, most: 30 * DAY_SEC }) *
      1000,
    metadata: toMetadata(values),
  };
}

function toMetadata(values: OptionValues<typeof OPTIONS>): Record<string, string> {
  const given = {
    title: values.title,
    description: values.description,
    // Words may hold commas.
    tags: values.tag && JSON.stringify(values.tag),
    user_id: values['user-id'],
    external_id: values['external-id'],
    process: values.process && JSON.stringify(readSteps(values.process)),
  };
  return Object.fromEntries(
    Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** Names of steps, separate or with commas between them. @throws UsageError */
function readSteps(texts: string[]): string[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim());
  if (names.length === 1 && names[0] === 'none') return [];
  const unknown = names.find((name) => !(OPTIONAL_STEPS as readonly string[]).includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`--process takes ${OPTIONAL_STEPS.join(', ')} or none, not "${unknown}"`);
}

export const uploadHelp = (): string =>
  renderHelp({
    usage: ['videoflow upload [OPTIONS] FILE…'],
    summary: 'Uploads files and makes videos of them.',
    options: OPTIONS,
    notes: [
      'An upload that was cut off, by Ctrl-C, a crash or a lost network, is remembered (in ' +
        '~/.local/state/videoflow; XDG_STATE_HOME is honoured): the same command goes on where it was, ' +
        'as long as the file and what is told of it are the same and the server keeps the upload (24 h by default).',
      'Each line of --json is {"file", "state": "uploaded" | "ready" | "failed" | "interrupted", "video_id", ' +
        '"upload_id", "size_bytes", "resumed_from_bytes", "sent_bytes", "error": {"code", "message"} | null}.',
    ],
  });
