import type { ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const ROTATE_BYTES = 50 * 1024 ** 2;
const WARN = 40;
const LEVEL_NAMES: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const logLine = z.object({
  level: z.number(),
  time: z.string().optional(),
  module: z.string().optional(),
  msg: z.string().optional(),
  err: z.object({ message: z.string().optional() }).optional(),
});

/**
 * Gives the short human form of one line of a program's log, or undefined when it is not worth the terminal:
 * warnings and worse, and whatever is not a log line at all (Node's own last words).
 */
export function shortenLogLine(name: string, line: string, isVerbose: boolean): string | undefined {
  if (line.trim() === '') return undefined;
  const parsed = parseLogLine(line);
  if (!parsed) return `${name}: ${line}`;
  if (!isVerbose && parsed.level < WARN) return undefined;
  const { level, time, module = name, msg = '', err } = parsed;
  const clock = time?.slice(11, 19) ?? '';
  const reason = err?.message && err.message !== msg ? ` (${err.message})` : '';
  return `${clock} ${LEVEL_NAMES[level] ?? level} ${name}/${module}: ${msg}${reason}`.trim();
}

function parseLogLine(line: string): z.infer<typeof logLine> | undefined {
  try {
    return logLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Keeps one older file beside the log: begun anew when it has grown large. */
function rotate(file: string): void {
  try {
    if (statSync(file).size > ROTATE_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // No log yet.
  }
}

/** Appends what a program prints to its log file and shows a line at a time to `show`. */
export function keepLog(child: ChildProcess, log: { file: string; show(line: string): void }): void {
  mkdirSync(dirname(log.file), { recursive: true });
  rotate(log.file);
  const file = createWriteStream(log.file, { flags: 'a', mode: 0o600 });
  // A full disk must not end the supervisor: the lines are lost, the terminal still shows the warnings.
  file.on('error', () => undefined);
  let open = 0;
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    open += 1;
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      file.write(`${line}\n`);
      log.show(line);
    });
    lines.on('close', () => {
      open -= 1;
      if (open === 0) file.end();
    });
  }
}

/** Gives the last lines of a log, for the message about a program that does not start. */
export function readLogTail(file: string, lines = 12): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(its log is empty)';
  }
}
