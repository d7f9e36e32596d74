import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Field names whose values never reach a log line, wherever they stand. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  'credentials',
  'api_key',
  'keys',
];

const redactPaths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `*.*.*.${field}`]);

/**
 * Gives the root logger of one process: JSON lines on standard output, secrets redacted by name.
 * Every module takes a child of it with its own name: `log.child({ module: 'http' })`.
 */
export function createLog(options: { level: string; module: string }, destination?: DestinationStream): Log {
  const settings = {
    level: options.level,
    base: { module: options.module, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redactPaths, censor: '[redacted]' },
  };
  return destination ? pino(settings, destination) : pino(settings);
}
