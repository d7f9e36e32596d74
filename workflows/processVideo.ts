import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { AttemptFailure } from '../src/domain/retries.ts';
import { isCoreStep, STEP_NAMES, type StepName } from '../src/domain/video.ts';
import { PRIORITY, type ProcessVideoInput, SEARCH_ATTRIBUTES, type Stage } from './contract.ts';
import { inWords, mediaStep, records } from './policies.ts';
import { followProgress, type Progress } from './progress.ts';
import { repeatUntilSettled } from './stepLoop.ts';

const { beginRun } = proxyActivities<Activities>(inWords(records, 'Take up what this run owns'));
const { waitForRetry } = proxyActivities<Activities>(inWords(records, 'Show that a step will be repeated'));
const { failStep } = proxyActivities<Activities>(inWords(records, 'Record that a step failed'));
const { settleCancelled } = proxyActivities<Activities>(inWords(records, 'Record what was cancelled'));
const media = proxyActivities<Activities>(mediaStep);

/** What each step is, and the words an operator reads beside it. */
const STEPS = {
  source: { activity: media.checkSource, summary: 'Check the stored source' },
  probe: { activity: media.probeVideo, summary: 'Probe the source' },
  thumbnail: { activity: media.renderThumbnail, summary: 'Render the thumbnail' },
  storyboard: { activity: media.renderStoryboard, summary: 'Render the storyboard' },
} as const;

export type ProcessVideoResult = { outcome: 'done' | 'cancelled' };

/**
 * Takes one video from its stored source to ready: source and probe, then the pictures. Source and
 * probe decide `ready`; the pictures may lag or fail alone. A run does only the steps it owns that are
 * not recorded as done, so a retry and a Reset keep what is there.
 */
export async function processVideo(input: ProcessVideoInput): Promise<ProcessVideoResult> {
  const progress = followProgress();
  try {
    return await progress.scope.run(async () => {
      const failures = await processSteps(input, progress);
      if (failures.length > 0) throw asFailure(failures);
      showStage('done');
      return { outcome: 'done' };
    });
  } catch (error) {
    if (!isCancellation(error)) throw error;
    const settled = await CancellationScope.nonCancellable(() => settle(input));
    // Only a run that the engine was asked to cancel may close as Cancelled; a signal ends it well.
    if (!CancellationScope.current().consideredCancelled) return settled;
    throw error;
  }
}

async function processSteps(input: ProcessVideoInput, progress: Progress): Promise<StepFailure[]> {
  const work = (name: StepName) => workOn(input, name, progress);
  const wanted = await takeUp(input, progress);
  // Side by side: the check is short, and without a source the probe fails as well.
  const core = await inFull(wanted.filter(isCoreStep).map(work));
  const coreFailure = core.find((failure) => failure !== null);
  if (coreFailure) return [coreFailure];
  showStage('pictures');
  const pictures = await inFull(wanted.filter((name) => !isCoreStep(name)).map(work));
  return pictures.filter((failure) => failure !== null);
}

/** Asks what the run has to do, and ends it when that is nothing any more. */
async function takeUp({ videoId, run }: ProcessVideoInput, progress: Progress): Promise<StepName[]> {
  const beginning = await beginRun({ videoId, run });
  if (beginning.outcome === 'cancelled') return progress.stop();
  return STEP_NAMES.filter((name) => beginning.steps.includes(name));
}

/**
 * As `Promise.all`, but when one is rejected the others are waited for all the same: a run that is
 * cancelled must not close before its last tool has let go.
 */
async function inFull<T>(work: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

interface StepFailure extends AttemptFailure {
  name: StepName;
}

async function workOn(
  input: ProcessVideoInput,
  name: StepName,
  progress: Progress,
): Promise<StepFailure | null> {
  const { videoId, userId, run, requestId } = input;
  const { activity, summary } = STEPS[name];
  const priority = {
    priorityKey: isCoreStep(name) ? PRIORITY.newVideo : PRIORITY.laterStep,
    fairnessKey: userId,
  };
  const failure = await repeatUntilSettled({
    attempt: async () => {
      progress.show(name, 'at work');
      const outcome = await activity.executeWithOptions({ ...mediaStep, summary, priority }, [
        { videoId, run, requestId },
      ]);
      if (outcome === 'cancelled') progress.stop();
      progress.show(name, 'done');
    },
    onRetry: async (problem, nextAttemptAt) => {
      progress.show(name, `waits to be repeated at ${nextAttemptAt.toISOString()}: ${problem.message}`);
      const error = { code: problem.code, message: problem.message, retryable: true };
      await waitForRetry({ videoId, run, name, error, nextAttemptAt: nextAttemptAt.toISOString() });
    },
    onGiveUp: async (error) => {
      progress.show(name, `failed: ${error.message}`);
      await failStep({ videoId, run, name, error });
    },
    hurries: progress.hurries,
  });
  return failure && { ...failure, name };
}

const showStage = (stage: Stage) => upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.stage, value: stage }]);

async function settle({ videoId, run }: ProcessVideoInput): Promise<ProcessVideoResult> {
  await settleCancelled({ videoId, run });
  showStage('cancelled');
  return { outcome: 'cancelled' };
}

function asFailure(failures: StepFailure[]): ApplicationFailure {
  showStage('failed');
  const message = failures.map((failure) => `${failure.name}: ${failure.message}`).join('; ');
  return ApplicationFailure.create({
    message,
    type: failures[0]?.code ?? 'internal_error',
    nonRetryable: true,
  });
}
