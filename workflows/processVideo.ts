import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { AttemptFailure } from '../src/domain/retries.ts';
import { isCoreStep, type StepName } from '../src/domain/video.ts';
import { PRIORITY, type ProcessVideoInput, SEARCH_ATTRIBUTES, SIGNALS, type Stage } from './contract.ts';
import { inWords, mediaStep, records } from './policies.ts';
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
 * Takes one video from its stored source to ready: source → probe → pictures in parallel. Source and
 * probe decide `ready`; the pictures may lag or fail alone. A run does only the steps it owns that are
 * not recorded as done, so a retry and a Reset keep what is there.
 */
export async function processVideo(input: ProcessVideoInput): Promise<ProcessVideoResult> {
  const { videoId, run } = input;
  const progress = followProgress();
  try {
    return await progress.scope.run(async () => {
      const beginning = await beginRun({ videoId, run });
      if (beginning.outcome === 'cancelled') return await settle(input);
      const failures = await processSteps(input, beginning.steps, progress);
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

async function processSteps(
  input: ProcessVideoInput,
  wanted: StepName[],
  progress: Progress,
): Promise<StepFailure[]> {
  const work = (name: StepName) => (wanted.includes(name) ? workOn(input, name, progress) : null);
  const core = (await work('source')) ?? (await work('probe'));
  if (core) return [core];
  showStage('pictures');
  const pictures = await Promise.all([work('thumbnail'), work('storyboard')]);
  return pictures.filter((failure) => failure !== null);
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
      if (outcome === 'cancelled') throw new CancelledFailure('The video was asked to be cancelled');
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

interface Progress {
  scope: CancellationScope;
  hurries(): number;
  show(name: StepName, words: string): void;
}

/** Takes the operators' signals and keeps the words that the Web UI shows. */
function followProgress(): Progress {
  const scope = new CancellationScope({ cancellable: true });
  let hurryCount = 0;
  const words = new Map<StepName, string>();
  setHandler(defineSignal(SIGNALS.cancel), () => scope.cancel());
  setHandler(defineSignal(SIGNALS.retryNow), () => {
    hurryCount += 1;
  });
  return {
    scope,
    hurries: () => hurryCount,
    show: (name, text) => {
      words.set(name, text);
      setCurrentDetails([...words].map(([step, state]) => `- **${step}** ${state}`).join('\n'));
    },
  };
}
