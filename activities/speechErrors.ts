import { VideoflowError } from '../src/errors.ts';

/** The sound that was extracted for a transcriber has gone, or was cut for another one: it is extracted once more. */
export class SpeechMissingError extends VideoflowError {
  readonly code = 'speech_missing';
  override readonly retryClass = 'blocked';
}

/** Speech can only be turned into text where a transcriber is configured. */
export class NoTranscriberError extends VideoflowError {
  readonly code = 'no_transcriber';
}

/** The sound of the video is not to be sent to anybody. */
export class NotWantedError extends VideoflowError {
  readonly code = 'not_wanted';
}
