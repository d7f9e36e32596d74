import { z } from 'zod';
import { type FieldError, invalidRequest, notFound } from './problem.ts';

/**
 * No column takes a NUL, and half a surrogate pair would be stored as another character. U+FFFD is what the
 * parsers of forms, addresses and JSON make of bytes that are no UTF-8.
 */
const isStorable = (text: string): boolean => !/[\0\ufffd]/.test(text) && text.isWellFormed();

/**
 * Parses one part of a request.
 *
 * @throws HttpProblem `invalid_request` that names every wrong field, without repeating its value
 */
export function parsePart(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidRequest(parsed.error.issues.flatMap(toFieldErrors));
  const unstorable = findUnstorable(parsed.data);
  if (unstorable) throw invalidRequest([{ path: unstorable, message: 'must be valid Unicode without NUL' }]);
  return parsed.data;
}

/** Parses the parameters of a path: one that cannot be an id is an object that is not there. */
export function parseParams(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success || findUnstorable(parsed.data)) throw notFound();
  return parsed.data;
}

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({
    path: path ? `${path}.${key}` : key,
    message: 'is not a known field',
  }));
}

/** A part of what was parsed, and where it stands. */
interface Place {
  value: unknown;
  key: string;
  within: Place | null;
}

function pathTo(place: Place): string {
  const keys: string[] = [];
  for (let each = place; each.within; each = each.within) keys.push(each.key);
  return keys.reverse().join('.') || 'value';
}

/**
 * Gives the path of the first string that no column takes. Not by calling itself, and without paths on the way: what a
 * schema leaves unread may go down as far as the body is long.
 */
function findUnstorable(parsed: unknown): string | null {
  const open: Place[] = [{ value: parsed, key: '', within: null }];
  for (let place = open.pop(); place; place = open.pop()) {
    const { value } = place;
    if (typeof value === 'string' && !isStorable(value)) return pathTo(place);
    if (typeof value !== 'object' || value === null) continue;
    const keys = Object.keys(value);
    if (!keys.every(isStorable)) return pathTo({ value, key: 'key', within: place });
    // The first comes out first.
    for (const key of keys.reverse()) {
      open.push({ value: (value as Record<string, unknown>)[key], key, within: place });
    }
  }
  return null;
}

/** An id that a client gives, written as we do: it is compared, and part of the engine's names. */
export const idField = z.uuid().toLowerCase();

/** The id in a path. */
export const idParams = z.strictObject({ id: idField });

/** The calendar years that Postgres writes in the four digits of RFC 3339. */
const isInFourDigitYear = (instant: string): boolean => {
  const year = new Date(instant).getUTCFullYear();
  return year >= 1 && year <= 9999;
};

/** An instant that a client gives, with any offset. */
export const instantField = z.iso
  .datetime({ offset: true })
  .refine(isInFourDigitYear, 'must be in the years 1 to 9999 of UTC');

/** A switch in a query; off when it is left out. */
export const flagField = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((text) => text === 'true' || text === '1');

/** Whether posts that are not over go with what they need. */
export const forceField = flagField.meta({ description: 'Cancels the posts that are not over and need it' });
