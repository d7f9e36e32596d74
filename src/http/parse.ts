import { z } from 'zod';
import { type FieldError, invalidRequest, notFound } from './problem.ts';

/** No column takes a NUL, and no honest text holds one. */
const NUL = '\u0000';

/**
 * Parses one part of a request.
 *
 * @throws HttpProblem `invalid_request` that names every wrong field, without repeating its value
 */
export function parsePart(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidRequest(parsed.error.issues.flatMap(toFieldErrors));
  const withNul = findNul(parsed.data, []);
  if (withNul) throw invalidRequest([{ path: withNul, message: 'must not contain the NUL character' }]);
  return parsed.data;
}

/** Parses the parameters of a path: one that cannot be an id is an object that is not there. */
export function parseParams(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success || findNul(parsed.data, [])) throw notFound();
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

/** Gives the path of the first string that contains a NUL; what was parsed is as deep as its schema. */
function findNul(value: unknown, path: string[]): string | null {
  if (typeof value === 'string') return value.includes(NUL) ? path.join('.') || 'value' : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    if (key.includes(NUL)) return [...path, 'key'].join('.');
    const found = findNul(part, [...path, key]);
    if (found) return found;
  }
  return null;
}

/** The id in a path. */
export const idParams = z.strictObject({ id: z.uuid() });
