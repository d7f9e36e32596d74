import { HttpProblem } from './problem.ts';
import { PROBLEMS, type ProblemCode } from './problemCodes.ts';
import { retryAfter } from './problems.ts';

/** What codes of failed work mean to whoever waited for it, where they are no codes of answers themselves. */
const MEANINGS: Readonly<Record<string, ProblemCode>> = {
  source_missing: 'storage_unavailable',
  not_probed: 'not_ready',
  worker_lost: 'no_worker',
  worker_shutdown: 'no_worker',
};

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

/**
 * Turns the failure of work that a request waited for into the answer; what nobody has a word for is our own trouble.
 *
 * @param failure whether it may be tried again follows from its code, unless it says so itself
 * @param own what codes mean for this kind of work
 */
export function toWorkProblem(
  { code, message, retryable }: { code: string; message: string; retryable?: boolean },
  own: Readonly<Record<string, ProblemCode>> = {},
): HttpProblem {
  const meant = own[code] ?? MEANINGS[code];
  const problem = meant ?? (isProblemCode(code) ? code : 'internal_error');
  const differs = retryable === undefined ? {} : { retryable };
  return new HttpProblem(problem, message, { headers: retryAfter(problem), ...differs });
}
