import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { UploadState } from '../src/domain/upload.ts';
import { PRIORITY, type ReceiveUploadInput, SEARCH_ATTRIBUTES, SIGNALS, type Stage } from './contract.ts';
import { housekeeping, inWords, records, transfer } from './policies.ts';
import { followProgress, type Progress } from './progress.ts';
import { repeatUntilSettled } from './stepLoop.ts';

const { readUpload } = proxyActivities<Activities>(inWords(records, 'Look at the upload'));
const { expireUpload } = proxyActivities<Activities>(inWords(records, 'End it: its time is over'));
const { terminateUpload } = proxyActivities<Activities>(inWords(records, 'End it: it was cancelled'));
const { acceptUpload } = proxyActivities<Activities>(inWords(records, 'Give the video its source'));
const { refuseUpload } = proxyActivities<Activities>(inWords(records, 'Record that it was refused'));
const { showUploadTrouble } = proxyActivities<Activities>(inWords(records, 'Show that it has to wait'));
const { startAccepted } = proxyActivities<Activities>(inWords(records, 'Start the processing'));
const { eraseUploadVideo } = proxyActivities<Activities>(inWords(records, 'Erase the video that never came'));
const { joinUpload } = proxyActivities<Activities>(transfer);
const { clearUpload } = proxyActivities<Activities>(housekeeping);

/** `gone` when its row went with its video or its user. */
export type ReceiveUploadResult = { outcome: UploadState | 'gone' };

const STAGES: Record<ReceiveUploadResult['outcome'], Stage> = {
  open: 'receiving',
  complete: 'joining',
  accepted: 'done',
  refused: 'failed',
  expired: 'expired',
  terminated: 'cancelled',
  gone: 'cancelled',
};

/**
 * Follows one upload from its creation to its end: waits until it changes or its time is over, makes the file of what
 * came, hands it over to its video, and removes what is left. The row says what is to be done, whatever this run was
 * or was not told; so it may be begun again at any moment.
 */
export async function receiveUpload(input: ReceiveUploadInput): Promise<ReceiveUploadResult> {
  const progress = followProgress();
  let changes = 0;
  setHandler(defineSignal(SIGNALS.uploadChanged), () => {
    changes += 1;
  });
  try {
    return await progress.scope.run(() => receive(input, progress, () => changes));
  } catch (error) {
    if (!progress.isTakenBack(error)) throw error;
    const taken = await CancellationScope.nonCancellable(() => takeBack(input, progress));
    // Only a run that the engine was asked to cancel may close as Cancelled; a signal ends it well.
    if (!CancellationScope.current().consideredCancelled) return taken;
    return progress.stop();
  }
}

async function receive(
  input: ReceiveUploadInput,
  progress: Progress,
  changes: () => number,
): Promise<ReceiveUploadResult> {
  for (;;) {
    const known = changes();
    const { state, waitMs, isCleared } = await readUpload({ uploadId: input.uploadId });
    showStage(STAGES[state]);
    if (state === 'open' && waitMs > 0) {
      const until = new Date(Date.now() + waitMs).toISOString();
      progress.show('upload', `open until ${until}, or longer while bytes come`);
      await condition(() => changes() > known, waitMs, { summary: 'Until it changes or its time is over' });
      if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof receiveUpload>(input);
    } else if (state === 'open') await expireUpload({ uploadId: input.uploadId });
    else if (state === 'complete') await handOver(input, progress);
    else return conclude(input, { outcome: state, isCleared }, progress);
  }
}

/** Makes one object of what came and gives it to the video, or records why not. */
async function handOver(input: ReceiveUploadInput, progress: Progress): Promise<void> {
  const { uploadId, userId, requestId } = input;
  const priority = { priorityKey: PRIORITY.newVideo, fairnessKey: userId };
  progress.show('upload', 'complete: its pieces are joined');
  const failure = await repeatUntilSettled({
    attempt: () =>
      joinUpload
        .executeWithOptions({ ...inWords(transfer, 'Join the pieces'), priority }, [{ uploadId, requestId }])
        .catch(notTheFile),
    onRetry: (problem, nextAttemptAt) => {
      progress.show('upload', `waits to be joined at ${nextAttemptAt.toISOString()}: ${problem.message}`);
      return showUploadTrouble({ uploadId, error: { ...problem, retryable: true } });
    },
    onGiveUp: (error) => refuseUpload({ uploadId, error: { ...error, retryable: false } }),
    hurries: progress.hurries,
  });
  if (failure) return;
  const outcome = await acceptUpload({ uploadId });
  // Its row is not there to say what to remove; what was joined just now is nobody's.
  if (outcome === 'gone') await clear(input);
}

/** Nothing here looks into the bytes: whatever goes wrong, a death included, says nothing against them. */
function notTheFile(error: unknown): never {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const isTimeout = cause instanceof TimeoutFailure;
  const isOurs = cause instanceof ApplicationFailure && cause.details?.[0] !== 'media';
  if (isCancellation(error) || (isOurs && !isTimeout)) throw error;
  const message = isTimeout ? 'The worker stopped answering' : 'Something unexpected went wrong';
  throw ApplicationFailure.create({
    message,
    type: isTimeout ? 'worker_lost' : 'internal_error',
    details: ['outside'],
  });
}

async function conclude(
  input: ReceiveUploadInput,
  { outcome, isCleared }: ReceiveUploadResult & { isCleared: boolean },
  progress: Progress,
): Promise<ReceiveUploadResult> {
  const { uploadId, requestId } = input;
  progress.show('upload', outcome);
  if (outcome === 'accepted') await startAccepted({ uploadId, requestId });
  if (outcome === 'expired' || outcome === 'terminated') await eraseUploadVideo({ uploadId });
  if (!isCleared) await clear(input);
  return { outcome };
}

/** What an operator's cancel means: as if the owner had taken the upload back, unless it ended before. */
async function takeBack(input: ReceiveUploadInput, progress: Progress): Promise<ReceiveUploadResult> {
  await terminateUpload({ uploadId: input.uploadId });
  const { state, isCleared } = await readUpload({ uploadId: input.uploadId });
  showStage(STAGES[state]);
  return conclude(input, { outcome: state, isCleared }, progress);
}

const clear = ({ uploadId, userId, requestId }: ReceiveUploadInput): Promise<void> =>
  clearUpload.executeWithOptions(
    {
      ...inWords(housekeeping, 'Remove what is left of it'),
      priority: { priorityKey: PRIORITY.housekeeping, fairnessKey: userId },
    },
    [{ uploadId, requestId }],
  );

const showStage = (stage: Stage) => upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.stage, value: stage }]);
