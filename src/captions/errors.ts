import { RemoteTroubleError, VideoflowError } from '../errors.ts';

/** The service is away, overloaded or in trouble, or gave an answer of no use; the next one may be better. */
export class CaptionTroubleError extends RemoteTroubleError {
  readonly code: 'captions_unavailable' | 'captions_unusable';

  constructor(
    code: CaptionTroubleError['code'],
    message: string,
    options?: ConstructorParameters<typeof RemoteTroubleError>[1],
  ) {
    super(message, options);
    this.code = code;
  }
}

/** The service does not let us in, or wants money first: somebody has to see to that before the next try. */
export class CaptionAccessError extends VideoflowError {
  readonly code: 'captions_unauthorized' | 'captions_no_credit';
  override readonly retryClass = 'blocked';

  constructor(code: CaptionAccessError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The service does not do this; the same request ends the same way. */
export class CaptionRefusedError extends VideoflowError {
  readonly code: 'caption_refused' | 'captions_rejected';

  constructor(code: CaptionRefusedError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type CaptionError = CaptionTroubleError | CaptionAccessError | CaptionRefusedError;
