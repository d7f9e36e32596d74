import type { Context } from 'koa';
import { z } from 'zod';
import { isBadValue } from '../db/badValue.ts';
import { isDatabaseOutage } from '../db/outage.ts';
import { PostsUnfinishedError } from '../db/postRefusals.ts';
import { VideoflowError } from '../errors.ts';
import { HttpProblem } from './problem.ts';
import { PROBLEMS, type ProblemCode } from './problemCodes.ts';
import type { Reply } from './route.ts';

/** Seconds after which trouble of the outside is worth another try. */
const RETRY_AFTER_SEC = 5;

/** What an error thrown by a library means, by the status it carries. */
const CODES_BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_body',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  413: 'too_large',
  415: 'unsupported_media_type',
  431: 'headers_too_large',
};

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

/**
 * Turns whatever was thrown into the answer for it. The one map from errors to HTTP: our own errors
 * bring their code and a message that is safe to show, those of libraries only a status, and of
 * everything else nothing is shown.
 */
export function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof PostsUnfinishedError) return toInUse(error);
  if (error instanceof VideoflowError && isProblemCode(error.code)) {
    return new HttpProblem(error.code, error.message, { cause: error, headers: retryAfter(error.code) });
  }
  if (isDatabaseOutage(error)) {
    const headers = retryAfter('database_unavailable');
    return new HttpProblem('database_unavailable', undefined, { cause: error, headers });
  }
  // A net only: what a field may hold is the business of its schema.
  if (isBadValue(error)) return new HttpProblem('invalid_request', undefined, { cause: error });
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return new HttpProblem(CODES_BY_STATUS[status] ?? 'internal_error', undefined, { cause: error });
}

/** Names the posts that something is needed by. */
const toInUse = (error: PostsUnfinishedError): HttpProblem =>
  new HttpProblem(error.code, error.message, {
    cause: error,
    errors: error.posts.map(({ id, dueAt }) => ({
      path: `posts.${id}`,
      message: `is to go out at ${dueAt.toISOString()}`,
    })),
  });

/** When trouble of the outside is worth another try. */
export const retryAfter = (code: ProblemCode): Record<string, string> =>
  [503, 507].includes(PROBLEMS[code].status) ? { 'Retry-After': String(RETRY_AFTER_SEC) } : {};

/** The body of every refusal, after RFC 9457; `error` and `details` are for plain clients. */
export const PROBLEM_SCHEMA = z
  .strictObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    retryable: z.boolean(),
    error: z.string(),
    details: z.string(),
    request_id: z.string(),
  })
  .meta({ id: 'Problem' });

/** The parts of a problem's body that do not change from one request to the next. */
export type ProblemBody = ReturnType<typeof describeProblem>;

/** Gives the body for a problem, without the request's id. */
export function describeProblem(problem: HttpProblem, publicUrl: string) {
  const { status, title } = PROBLEMS[problem.code];
  return {
    type: `${publicUrl}/docs/problems#${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    ...(problem.errors ? { errors: problem.errors } : {}),
    retryable: problem.retryable,
    // Plain clients read these two.
    error: title,
    details: problem.message,
  };
}

export const PROBLEM_TYPE = 'application/problem+json';

/** Gives a problem as an answer that is kept, or waited for. */
export function toRefusal(problem: HttpProblem, publicUrl: string): Reply & { body: ProblemBody } {
  const headers = { ...problem.headers, 'Content-Type': PROBLEM_TYPE };
  return { status: problem.status, headers, body: describeProblem(problem, publicUrl) };
}

/** Writes a problem as the answer, as RFC 9457 has it. */
export function sendProblem(ctx: Context, body: ProblemBody, headers: Record<string, string>): void {
  ctx.status = body.status;
  ctx.set('Cache-Control', 'no-store');
  ctx.set(headers);
  ctx.body = JSON.stringify({ ...body, request_id: ctx.state.requestId });
  ctx.type = PROBLEM_TYPE;
}
