import type { CaptionUsage } from '../domain/caption.ts';
import { RemoteTroubleError, VideoflowError } from '../errors.ts';

/** The service is away, overloaded or in trouble; it may be well again later. */
export class CaptionTroubleError extends RemoteTroubleError {
  readonly code = 'captions_unavailable';
}

/**
 * What the model gave is of no use. The next answer may be better, and costs as much: it is asked for where this is
 * caught, or by a person, and never by the engine.
 */
export class CaptionUnusableError extends VideoflowError {
  readonly code = 'captions_unusable';
  override readonly retryClass = 'blocked';
  /** What that cost; null where the service does not say. */
  readonly usage: CaptionUsage | null;

  constructor(message: string, usage: CaptionUsage | null) {
    super(message);
    this.usage = usage;
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

export type CaptionError =
  | CaptionTroubleError
  | CaptionUnusableError
  | CaptionAccessError
  | CaptionRefusedError;
