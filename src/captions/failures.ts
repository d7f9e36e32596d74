import { readCallFailure } from '../openaiApi/callFailure.ts';
import { type Refusal, readRefusal } from '../openaiApi/refusal.ts';
import { CaptionAccessError, type CaptionError, CaptionRefusedError, CaptionTroubleError } from './errors.ts';

/** Gives our own error for what the client of the service threw. */
export function toCaptionError(error: unknown): CaptionError {
  const call = readCallFailure(error);
  if (call.kind === 'refused') return byRefusal(call.refusal);
  const why = ['why' in call ? call.why : null, call.kind].filter((word) => word !== null);
  return new CaptionTroubleError('The caption service did not answer', {
    cause: new Error(why.join(' ')),
  });
}

/** The same for an error that came in the body of a good answer. */
export const readAnswerError = (error: unknown): CaptionError =>
  byRefusal(readRefusal({ status: null, error, headers: null }));

function byRefusal({ kind, status, words, retryAfterMs }: Refusal): CaptionError {
  const cause = new Error([status, ...words].filter((word) => word !== null).join(' '));
  const answered = `The caption service answered ${status ?? 'with an error'}`;
  switch (kind) {
    case 'moderated':
      return new CaptionRefusedError('caption_refused', 'The caption service refuses this content', {
        cause,
      });
    case 'exhausted':
      return new CaptionAccessError('captions_no_credit', 'The credit of the caption service is used up', {
        cause,
      });
    case 'unauthorized':
      return new CaptionAccessError('captions_unauthorized', 'The caption service does not accept its key', {
        cause,
      });
    case 'rejected':
      return new CaptionRefusedError('captions_rejected', answered, { cause });
    case 'rate_limited':
    case 'trouble':
      return new CaptionTroubleError(answered, { cause, retryAfterMs });
  }
}
