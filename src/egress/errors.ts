import { RemoteTroubleError, VideoflowError } from '../errors.ts';

/**
 * Nothing may be fetched from there. Permanent, and the same words for every inner address, whether somebody
 * listens there or not, and for a name that does not exist: who asks must not learn what our network looks like.
 */
export class AddressNotAllowedError extends VideoflowError {
  readonly code = 'address_not_allowed';
}

/** The other side said that it will not give it, or gave what cannot be taken; the next try ends the same way. */
export class SourceRefusedError extends VideoflowError {
  readonly code: SourceRefusalCode;

  constructor(code: SourceRefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type SourceRefusalCode =
  /** An answer such as 403 or 404. */
  | 'source_refused'
  /** No HTTP, or not the part of HTTP that is spoken here. */
  | 'source_bad_answer'
  | 'source_redirects'
  /** The certificate does not hold. */
  | 'source_untrusted'
  /** Not done within the time that a transfer may take. */
  | 'source_timeout'
  | 'too_large';

/** The other side is away, overloaded or too slow right now; it may be well again later. */
export class SourceTroubleError extends RemoteTroubleError {
  readonly code: SourceTroubleCode;

  constructor(
    code: SourceTroubleCode,
    message: string,
    options?: ConstructorParameters<typeof RemoteTroubleError>[1],
  ) {
    super(message, options);
    this.code = code;
  }
}

export type SourceTroubleCode =
  | 'source_unreachable'
  /** An answer such as 503 or 429. */
  | 'source_unavailable'
  | 'source_interrupted'
  | 'source_too_slow';

/** It is here that no connection can be opened; nothing is said of the other side. */
export class NetworkTroubleError extends VideoflowError {
  readonly code = 'network_trouble';
  override readonly retryClass = 'outside';
}

/** Nothing was delivered, or at least no answer says so. Who sent is told no more of an address than these codes. */
export class SendError extends VideoflowError {
  override readonly retryClass = 'remote';
  readonly code: SendErrorCode;

  constructor(code: SendErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const SEND_ERROR_CODES = ['refused', 'unreachable', 'timeout', 'untrusted'] as const;

/**
 * - `refused`: nothing may be sent there, and nobody was asked
 * - `unreachable`: closed, filtered, silent or no HTTP: all the same, or a sender could look for open ports
 * - `timeout`: an answer had begun and did not end in time
 * - `untrusted`: the certificate does not hold
 */
export type SendErrorCode = (typeof SEND_ERROR_CODES)[number];

/**
 * A cause for the log: only the system's or the library's code of it. Its own message and fields may hold the
 * whole address, with its secrets, or bytes of an answer.
 */
export const causeOf = (error: unknown): Error =>
  new Error(String((error as NodeJS.ErrnoException | null)?.code ?? 'unknown reason'));
