import { ConnectionException, DriverException } from '@mikro-orm/core';

/** Postgres error classes and codes that end without anybody changing the request. */
const OUTAGE_CODES = [
  /^08/, // connection exceptions
  /^53/, // no memory, no disk, too many connections
  /^57P0/, // shutting down, crashed, starting up
  /^58/, // system errors outside of Postgres, such as the disk
  /^(57014|55P03|40P01|40001)$/, // took too long, waited too long for a lock, deadlock, serialisation
  /^25006$/, // read only: a standby, or a disk that is full
  /^25P03$/, // the process stood still within a transaction for too long
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/,
];

/** Messages of the pg package that come without a code. */
const OUTAGE_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout/i;

/** Says whether an error means that the database does not answer right now. */
export function isDatabaseOutage(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof ConnectionException) return true;
    const { code } = cause as { code?: unknown };
    const isFromPg = cause instanceof DriverException || 'severity' in cause || 'syscall' in cause;
    if (isFromPg && typeof code === 'string' && OUTAGE_CODES.some((known) => known.test(code))) return true;
    if (OUTAGE_MESSAGES.test(cause.message)) return true;
  }
  return false;
}
