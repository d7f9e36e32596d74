import { z } from 'zod';
import { RefusedError } from './failures.ts';

/** What of a problem answer is used here; `application/problem+json`, as every route sends it. */
const problemShape = z.object({
  code: z.string(),
  detail: z.string(),
  retryable: z.boolean().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/**
 * Worth another try whatever the body says: 408 and 429 by their meaning, 423 because a server notices a
 * dead client's lock a few seconds later (tus 1.0 leaves 423 to servers that lock), 5xx.
 */
const isTransient = (status: number): boolean => [408, 423, 425, 429].includes(status) || status >= 500;

export interface AnswerParts {
  status: number;
  body: string;
  header(name: string): string | undefined;
  /** Worth another try for a reason that only the caller knows. */
  isRetryable?: boolean;
}

/** Turns an answer that is no success into the error that stands for it. */
export function toRefusal({ status, body, header, isRetryable = false }: AnswerParts): RefusedError {
  const problem = readProblem(body);
  return new RefusedError({
    status,
    code: problem?.code ?? `http_${status}`,
    message: problem ? describeProblem(problem) : describeStatus(status, header('location')),
    isRetryable: isRetryable || isTransient(status) || problem?.retryable === true,
    retryAfterMs: readRetryAfter(header('retry-after'), Date.now()),
  });
}

function readProblem(body: string) {
  try {
    return problemShape.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

function describeProblem({ detail, errors = [] }: z.output<typeof problemShape>): string {
  const fields = errors.map(({ path, message }) => (path ? `${path} ${message}` : message));
  return fields.length > 0 ? `${detail}: ${fields.join('; ')}` : detail;
}

function describeStatus(status: number, location: string | undefined): string {
  if (status >= 300 && status < 400 && location)
    return `The server redirects to ${location}: use that address`;
  return `The server answered ${status}, not in the way of videoflow; is the address right?`;
}

/** Gives the milliseconds that a `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const seconds = Number(value);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}
