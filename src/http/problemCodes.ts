/** One stable answer for one kind of trouble, as the API documents it. */
export interface ProblemKind {
  status: number;
  title: string;
  /** What a person is told when the place that noticed has nothing better to say. */
  detail: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
}

/**
 * Every `code` that an answer of the API may carry. The documentation prints this table and the codes
 * never change their meaning, so that programs may decide by them.
 */
export const PROBLEMS = {
  invalid_json: {
    status: 400,
    title: 'Invalid JSON',
    detail: 'The body is not valid JSON',
    retryable: false,
  },
  invalid_body: {
    status: 400,
    title: 'Unreadable body',
    detail: 'The body cannot be read',
    retryable: false,
  },
  upload_aborted: {
    status: 400,
    title: 'Upload aborted',
    detail: 'The connection ended before the whole body had arrived',
    retryable: true,
  },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    detail: 'A valid bearer token is needed',
    retryable: false,
  },
  invalid_credentials: {
    status: 401,
    title: 'Wrong username or password',
    detail: 'The username and the password do not belong together',
    retryable: false,
  },
  insufficient_scope: {
    status: 403,
    title: 'Insufficient scope',
    detail: 'The token lacks the scope that this needs',
    retryable: false,
  },
  quota_exceeded: {
    status: 403,
    title: 'Quota exceeded',
    detail: 'This would exceed the quota',
    retryable: false,
  },
  not_found: { status: 404, title: 'Not found', detail: 'There is nothing here', retryable: false },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    detail: 'This address does not take that method',
    retryable: false,
  },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    detail: 'The request took too long to arrive',
    retryable: true,
  },
  conflict: {
    status: 409,
    title: 'Conflict',
    detail: 'This clashes with the state of the object',
    retryable: false,
  },
  already_exists: {
    status: 409,
    title: 'Already exists',
    detail: 'There is one already',
    retryable: false,
  },
  in_use: { status: 409, title: 'In use', detail: 'Something else still needs this', retryable: false },
  not_possible: {
    status: 409,
    title: 'Not possible now',
    detail: 'The object is not in a state that allows this',
    retryable: false,
  },
  idempotency_in_progress: {
    status: 409,
    title: 'Still in progress',
    detail: 'The first request with this Idempotency-Key is still running',
    retryable: true,
  },
  too_large: {
    status: 413,
    title: 'Too large',
    detail: 'The body is larger than what is taken here',
    retryable: false,
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'The body is not of a type that is taken here',
    retryable: false,
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    detail: 'The range lies outside of the file',
    retryable: false,
  },
  invalid_request: {
    status: 422,
    title: 'Invalid request',
    detail: 'Some fields are not as they should be',
    retryable: false,
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key used before',
    detail: 'This Idempotency-Key was used for a different request',
    retryable: false,
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    detail: 'Too many requests; slow down',
    retryable: true,
  },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    detail: 'The request headers are too large',
    retryable: false,
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong here; the request id finds it in the log',
    retryable: true,
  },
  database_unavailable: {
    status: 503,
    title: 'Database unavailable',
    detail: 'The database does not answer right now; try again shortly',
    retryable: true,
  },
  storage_unavailable: {
    status: 503,
    title: 'Storage unavailable',
    detail: 'The storage does not answer right now; try again shortly',
    retryable: true,
  },
  shutting_down: {
    status: 503,
    title: 'Shutting down',
    detail: 'This server is stopping; try again',
    retryable: true,
  },
  storage_full: {
    status: 507,
    title: 'Storage full',
    detail: 'The storage is full',
    retryable: true,
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;
