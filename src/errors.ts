/**
 * The errors of videoflow. Every error a person or a program may see is a class with a stable `code`
 * and a message that is safe to show: no secrets, no paths, no raw output of other programs.
 *
 * Where they are translated: `src/http/problems.ts` maps them to HTTP, `activities/failures.ts` to
 * retryable or not.
 */

/**
 * What a retry can be expected to do:
 * - `permanent`: the same input fails again
 * - `media`: the tool failed on this input; a few more attempts are worth it
 * - `outside`: trouble that ends when the outside recovers: storage, database, disk, too many requests for somebody
 * - `remote`: somebody else's server is in trouble, and may be for good
 * - `blocked`: nothing, until a person does something about it: pays, or sets another key
 */
export type RetryClass = 'permanent' | 'media' | 'outside' | 'remote' | 'blocked';

export abstract class VideoflowError extends Error {
  abstract readonly code: string;
  readonly retryClass: RetryClass = 'permanent';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The uploaded bytes will never become a usable video; `code` says why in the API's words. */
export class UnusableMediaError extends VideoflowError {
  readonly code: UnusableMediaCode;

  constructor(code: UnusableMediaCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type UnusableMediaCode =
  | 'unsupported_media'
  | 'empty_file'
  | 'unsupported_codec'
  | 'corrupt_media'
  | 'no_video_stream'
  | 'no_audio'
  | 'too_long'
  | 'too_large_picture'
  | 'too_many_streams';

/** Only copying was asked for, and nothing that plays can be copied there. */
export class NotCopyableError extends VideoflowError {
  readonly code = 'not_copyable';
}

/** ffmpeg or ffprobe ended badly for a reason that may pass; the details are in the log, not here. */
export class MediaToolError extends VideoflowError {
  readonly code: string;
  override readonly retryClass = 'media';

  constructor(message: string, code = 'media_tool_failed', options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** No space, or no permission to write, on the disk that holds scratch or storage. */
export class DiskFullError extends VideoflowError {
  readonly code = 'storage_full';
  override readonly retryClass = 'outside';

  constructor(message = 'The storage is full', options?: ErrorOptions) {
    super(message, options);
  }
}

/** The storage cannot be read or written right now. */
export class StorageUnavailableError extends VideoflowError {
  readonly code = 'storage_unavailable';
  override readonly retryClass = 'outside';
}

/**
 * The stored object is not there, or not as long as it was recorded to be. Trouble of the outside: a
 * storage that is not mounted looks the same, and must not fail every video for good.
 */
export class SourceMissingError extends VideoflowError {
  readonly code = 'source_missing';
  override readonly retryClass = 'outside';
}

/** A step needs facts that the probe has not found yet. */
export class NotProbedError extends VideoflowError {
  readonly code = 'not_probed';
}

/** The database refuses to answer right now. */
export class DatabaseUnavailableError extends VideoflowError {
  readonly code = 'database_unavailable';
  override readonly retryClass = 'outside';
}

/** The engine does not answer right now. */
export class EngineUnavailableError extends VideoflowError {
  readonly code = 'engine_unavailable';
  override readonly retryClass = 'outside';
}

/** The answer needs a worker, and none is there right now. */
export class NoWorkerError extends VideoflowError {
  readonly code = 'no_worker';
  override readonly retryClass = 'outside';
}

/** Somebody else's server does not answer as it should right now. */
export abstract class RemoteTroubleError extends VideoflowError {
  override readonly retryClass: RetryClass = 'remote';
  /** How long it asked to be left alone; null when it did not. */
  readonly retryAfterMs: number | null;
  /**
   * Set by the activity that caught the error, before it throws it again, where the attempt got something done for
   * good before the trouble: the next one begins further on. Such an attempt does not use up those that remote
   * trouble is given, so that long work goes on at somebody's low rate limit.
   */
  madeProgress = false;

  constructor(
    message: string,
    { retryAfterMs = null, ...options }: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}
