import { VideoflowError } from '../errors.ts';

/** The command cannot be carried out as it was written; the message says what is wrong with it. */
export class UsageError extends VideoflowError {
  readonly code = 'usage';
}

/** No answer came: no connection, a cut, or silence for too long. */
export class NotReachableError extends VideoflowError {
  readonly code = 'not_reachable';
}

/** Somebody asked to end, with Ctrl-C for example. */
export class InterruptedError extends VideoflowError {
  readonly code = 'interrupted';

  constructor() {
    super('Interrupted');
  }
}

/** A file of this machine cannot be sent as it is. */
export class FileTroubleError extends VideoflowError {
  readonly code: 'file_unreadable' | 'file_changed' | 'empty_file';

  constructor(code: FileTroubleError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The server took the bytes and found that they do not become a video; `code` is the server's. */
export class VideoFailedError extends VideoflowError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Refusal {
  status: number;
  code: string;
  message: string;
  isRetryable: boolean;
  /** What `Retry-After` asked for. */
  retryAfterMs: number | undefined;
}

/** The server answered, and said no; code and message are the server's. */
export class RefusedError extends VideoflowError {
  readonly code: string;
  readonly status: number;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor({ status, code, message, isRetryable, retryAfterMs }: Refusal) {
    super(message);
    this.code = code;
    this.status = status;
    this.isRetryable = isRetryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Says whether nothing else can succeed either: the token is not taken, or lacks the scope. */
export const isNoAccess = (error: unknown): boolean =>
  error instanceof RefusedError && (error.status === 401 || error.code === 'insufficient_scope');
