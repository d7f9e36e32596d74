import { VideoflowError } from '../src/errors.ts';

/**
 * The sound that was extracted for a transcriber has gone, or was cut for another one: it is extracted once more, until
 * all workers are configured alike (see `workflows/processVideo.ts`).
 */
export class SpeechMissingError extends VideoflowError {
  readonly code = 'speech_missing';
  override readonly retryClass = 'outside';
}

/** Speech can only be turned into text where a transcriber is configured. */
export class NoTranscriberError extends VideoflowError {
  readonly code = 'no_transcriber';
}

/** The sound of the video is not to be sent to anybody. */
export class NotWantedError extends VideoflowError {
  readonly code = 'not_wanted';
}
