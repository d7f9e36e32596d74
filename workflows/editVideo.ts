import {
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type EditVideoInput, PRIORITY, SEARCH_ATTRIBUTES, type Stage } from './contract.ts';
import { encodeStep, inWords, mediaStep, records, standby } from './policies.ts';
import { followProgress, type Progress } from './progress.ts';
import { repeatUntilSettled } from './stepLoop.ts';

const { beginEdit } = proxyActivities<Activities>(inWords(records, 'Take up the edit'));
const { awaitParents } = proxyActivities<Activities>(inWords(standby, 'Wait until its videos are ready'));
const { showEditTrouble } = proxyActivities<Activities>(inWords(records, 'Show that it will be repeated'));
const { failEdit } = proxyActivities<Activities>(inWords(records, 'Record that it failed'));
const { settleCancelledEdit } = proxyActivities<Activities>(inWords(records, 'Record that it was cancelled'));
const { startResult } = proxyActivities<Activities>(inWords(records, 'Start the processing of the result'));
const { copyEdit } = proxyActivities<Activities>(mediaStep);
const { encodeEdit } = proxyActivities<Activities>(encodeStep);

/** The two ways to the result: nearly everything is tried by copying first. */
const COPY = { activity: copyEdit, policy: mediaStep, words: 'Copy what need not be encoded' };
const ENCODE = { activity: encodeEdit, policy: encodeStep, words: 'Encode the result' };

interface EditFailure {
  code: string;
  message: string;
}

/** `over` when there was nothing to do for this run, as after a later one. */
export type EditVideoResult = { outcome: 'done' | 'over' | 'cancelled' };

/**
 * Makes one new video out of others: waits until they are ready, renders the file, and has the new video processed
 * like any other. What the edit shows from there on follows the new video, whose processing is a run of its own.
 */
export async function editVideo(input: EditVideoInput): Promise<EditVideoResult> {
  const progress = followProgress();
  try {
    return await progress.scope.run(() => edit(input, progress));
  } catch (error) {
    if (!progress.isTakenBack(error)) throw error;
    const settled = await CancellationScope.nonCancellable(() => settle(input));
    // Only a run that the engine was asked to cancel may close as Cancelled; a signal ends it well.
    if (!CancellationScope.current().consideredCancelled) return settled;
    return progress.stop();
  }
}

async function edit(input: EditVideoInput, progress: Progress): Promise<EditVideoResult> {
  const { outcome } = await beginEdit(ofRun(input));
  if (outcome === 'cancelled') return progress.stop();
  if (outcome === 'over') return { outcome };
  if (outcome === 'go') {
    const failure = (await waitForParents(input, progress)) ?? (await render(input, progress));
    if (failure) throw asFailure(failure);
  }
  await startProcessing(input, progress);
  return { outcome: 'done' };
}

const ofRun = ({ editId, run, requestId }: EditVideoInput) => ({ editId, run, requestId });

/** One activity that the engine repeats, so that a wait of days leaves no more in the history than one of seconds. */
async function waitForParents(input: EditVideoInput, progress: Progress): Promise<EditFailure | null> {
  showStage('waiting');
  progress.show('videos', 'are waited for until they are ready');
  const sight = await awaitParents(ofRun(input));
  if (sight.outcome === 'cancelled') return progress.stop();
  if (sight.outcome !== 'unusable') {
    progress.show('videos', 'are ready');
    return null;
  }
  const { error } = sight;
  progress.show('videos', `cannot be used: ${error.message}`);
  await failEdit({ ...ofRun(input), error });
  return error;
}

async function render(input: EditVideoInput, progress: Progress): Promise<EditFailure | null> {
  showStage('rendering');
  const { failure, mustEncode } = await renderBy(COPY, input, progress);
  if (failure || !mustEncode) return failure;
  return (await renderBy(ENCODE, input, progress)).failure;
}

async function renderBy(
  { activity, policy, words }: typeof COPY | typeof ENCODE,
  input: EditVideoInput,
  progress: Progress,
): Promise<{ failure: EditFailure | null; mustEncode: boolean }> {
  const priority = { priorityKey: PRIORITY.newVideo, fairnessKey: input.userId };
  let mustEncode = false;
  const failure = await repeatUntilSettled({
    attempt: async () => {
      progress.show('result', policy === encodeStep ? 'is encoded' : 'is copied together');
      const outcome = await activity.executeWithOptions({ ...policy, summary: words, priority }, [
        ofRun(input),
      ]);
      if (outcome === 'cancelled') progress.stop();
      mustEncode = outcome === 'must_encode';
      progress.show('result', mustEncode ? 'has to be encoded' : 'is made');
    },
    onRetry: async (problem, nextAttemptAt) => {
      progress.show('result', `waits to be repeated at ${nextAttemptAt.toISOString()}: ${problem.message}`);
      const error = { code: problem.code, message: problem.message, retryable: true };
      await showEditTrouble({ ...ofRun(input), error, nextAttemptAt: nextAttemptAt.toISOString() });
    },
    onGiveUp: async (error) => {
      progress.show('result', `failed: ${error.message}`);
      await failEdit({ ...ofRun(input), error });
    },
    hurries: progress.hurries,
  });
  return { failure, mustEncode };
}

/** The row of the new video is there; should this not get through, the reconciler starts it. */
async function startProcessing(input: EditVideoInput, progress: Progress): Promise<void> {
  const { videoId } = await startResult(ofRun(input));
  if (videoId) {
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.video, value: videoId }]);
    progress.show('processing', `of video ${videoId} was begun`);
  }
  showStage('done');
}

const showStage = (stage: Stage) => upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.stage, value: stage }]);

async function settle(input: EditVideoInput): Promise<EditVideoResult> {
  await settleCancelledEdit(ofRun(input));
  showStage('cancelled');
  return { outcome: 'cancelled' };
}

function asFailure({ code, message }: EditFailure): ApplicationFailure {
  showStage('failed');
  return ApplicationFailure.create({ message, type: code, nonRetryable: true });
}
