import { RemoteTroubleError, type RetryClass, VideoflowError } from '../errors.ts';

/** The transcriber is away, overloaded, asked too often or not to be understood right now; it may be well again later. */
export class TranscriberTroubleError extends RemoteTroubleError {
  readonly code: TranscriberTroubleCode;
  /** Nothing is wrong with a server that only wants to be asked less often: others who share the limit may need it for hours. */
  override readonly retryClass: RetryClass;

  constructor(
    code: TranscriberTroubleCode,
    message: string,
    options?: ConstructorParameters<typeof RemoteTroubleError>[1],
  ) {
    super(message, options);
    this.code = code;
    this.retryClass = code === 'transcriber_rate_limited' ? 'outside' : 'remote';
  }
}

export type TranscriberTroubleCode = 'transcriber_rate_limited' | 'transcriber_unavailable';

/** The transcriber refuses everything until a person has paid, or set a key that may. */
export class TranscriberBlockedError extends VideoflowError {
  readonly code: TranscriberBlockedCode;
  override readonly retryClass = 'blocked';

  constructor(code: TranscriberBlockedCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type TranscriberBlockedCode = 'transcriber_quota_exhausted' | 'transcriber_unauthorized';

/** The transcriber refused this request; the same one is refused again. */
export class TranscriberRejectedError extends VideoflowError {
  readonly code = 'transcriber_rejected';
}

/** How a request for a transcription ends badly, but for its cancellation. */
export type TranscriberError = TranscriberTroubleError | TranscriberBlockedError | TranscriberRejectedError;
