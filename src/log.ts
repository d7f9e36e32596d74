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
  'sealedCredentials',
  'api_key',
  'flic_token',
  'flic-token',
  'keys',
];

const redactPaths = SECRET_FIELDS.flatMap((field) =>
  ['', '*', '*.*', '*.*.*'].map((above) => `${above}["${field}"]`),
);

/**
 * Gives the logger of one process: JSON lines on standard output, secrets redacted by name. It is the
 * root of `log.child({ module })`, which every part takes for itself, so that each line names its module.
 */
export function createLog(options: { level: string; program: string }, destination?: DestinationStream): Log {
  const settings = {
    level: options.level,
    base: { program: options.program, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redactPaths, censor: '[redacted]' },
  };
  return destination ? pino(settings, destination) : pino(settings);
}
