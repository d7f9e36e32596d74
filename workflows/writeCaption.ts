import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { FailureKind } from '../src/domain/retries.ts';
import { type CaptionFailureInput, PRIORITY, type WriteCaptionInput } from './contract.ts';
import { asking, inWords, records } from './policies.ts';

const { askForCaption } = proxyActivities<Activities>(asking);
const { failCaption } = proxyActivities<Activities>(inWords(records, 'Say why there is no caption'));

/** Writes one caption while somebody waits for it. Its row is what it leaves, and says what is wanted. */
export async function writeCaption({ captionId, userId, requestId }: WriteCaptionInput): Promise<void> {
  const priority = { priorityKey: PRIORITY.interactive, fairnessKey: userId };
  const options = { ...asking, summary: 'Ask the language model', priority };
  try {
    await askForCaption.executeWithOptions(options, [{ captionId, requestId }]);
  } catch (error) {
    await CancellationScope.nonCancellable(() =>
      failCaption({ captionId, requestId, error: describeFailure(error) }),
    );
    throw error;
  }
}

/** Our failures carry their kind as first detail; see activities/failures.ts. */
function describeFailure(error: unknown): CaptionFailureInput['error'] {
  if (isCancellation(error))
    return {
      code: 'ended_by_operator',
      message: 'An operator ended the writing; ask again',
      retryable: true,
    };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure)
    return { code: 'worker_lost', message: 'No worker wrote it in time', retryable: true };
  if (!(cause instanceof ApplicationFailure))
    return { code: 'internal_error', message: 'Something unexpected went wrong', retryable: true };
  const [kind] = (cause.details ?? []) as [FailureKind?];
  return { code: cause.type ?? 'internal_error', message: cause.message, retryable: kind !== 'permanent' };
}
