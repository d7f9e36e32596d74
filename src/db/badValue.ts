import { DriverException } from '@mikro-orm/core';

/**
 * Says whether the database refused a value that it was given: SQLSTATE class 22, "data exception", such
 * as a number or an instant out of range. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const isBadValue = (error: unknown): boolean =>
  error instanceof DriverException && /^22\w{3}$/.test(String(error.code));
