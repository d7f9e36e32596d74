import { VideoflowError } from '../errors.ts';
import { PROBLEMS, type ProblemCode } from './problemCodes.ts';

/** One wrong field of a request; `path` in dots, such as `tags.3`. */
export interface FieldError {
  path: string;
  message: string;
}

export interface ProblemOptions {
  errors?: FieldError[];
  headers?: Record<string, string>;
  /** Where this one case differs from its kind. */
  retryable?: boolean;
  cause?: unknown;
}

/** An answer that is a refusal; thrown anywhere below a route, sent as `application/problem+json`. */
export class HttpProblem extends VideoflowError {
  readonly code: ProblemCode;
  readonly status: number;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;
  readonly retryable: boolean;

  constructor(code: ProblemCode, detail?: string, options: ProblemOptions = {}) {
    super(detail ?? PROBLEMS[code].detail, { cause: options.cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.retryable = options.retryable ?? PROBLEMS[code].retryable;
  }
}

/** The one 404 of the API: a missing object and another user's look the same. */
export const notFound = (): HttpProblem => new HttpProblem('not_found');

/** A request that parses but is wrong, with the fields that are. */
export const invalidRequest = (errors: FieldError[]): HttpProblem =>
  new HttpProblem('invalid_request', undefined, { errors });
