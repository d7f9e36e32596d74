import {
  type ActivityFunctionWithOptions,
  type ActivityOptions,
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { AttemptFailure } from '../src/domain/retries.ts';
import { isCoreStep, STEP_NAMES, type StepName } from '../src/domain/video.ts';
import { PRIORITY, type ProcessVideoInput, SEARCH_ATTRIBUTES, type Stage } from './contract.ts';
import {
  encodeStep,
  ingest,
  inWords,
  mediaStep,
  recordStep,
  records,
  standby,
  transcribing,
} from './policies.ts';
import { followProgress, type Progress } from './progress.ts';
import { repeatUntilSettled } from './stepLoop.ts';

const { beginRun } = proxyActivities<Activities>(inWords(records, 'Take up what this run owns'));
const { waitForRetry } = proxyActivities<Activities>(inWords(records, 'Show that a step will be repeated'));
const { failStep } = proxyActivities<Activities>(inWords(records, 'Record that a step failed'));
const { settleCancelled } = proxyActivities<Activities>(inWords(records, 'Record what was cancelled'));
const { choosePlayback } = proxyActivities<Activities>(inWords(records, 'Ask what a browser needs'));
const { chooseTranscript } = proxyActivities<Activities>(inWords(standby, 'Ask what is said in the video'));
const media = proxyActivities<Activities>(mediaStep);
const encoder = proxyActivities<Activities>(encodeStep);
const net = proxyActivities<Activities>(ingest);
const { transcribeSpeech } = proxyActivities<Activities>(transcribing);
const { carryTranscript } = proxyActivities<Activities>(recordStep);

/** What each step is, and the words an operator reads beside it; `playback` and `transcript` are done in one of several ways. */
const STEPS = {
  source: { activity: media.checkSource, policy: mediaStep, summary: 'Check the stored source' },
  probe: { activity: media.probeVideo, policy: mediaStep, summary: 'Probe the source' },
  thumbnail: { activity: media.renderThumbnail, policy: mediaStep, summary: 'Render the thumbnail' },
  storyboard: { activity: media.renderStoryboard, policy: mediaStep, summary: 'Render the storyboard' },
  audio: { activity: media.makeAudio, policy: mediaStep, summary: 'Make the sound alone' },
} as const;
const FETCH = { activity: net.fetchSource, policy: ingest, summary: 'Fetch the source' } as const;

const ENCODE = {
  activity: encoder.encodePlayback,
  policy: encodeStep,
  summary: 'Encode what browsers play',
} as const;
const PLAYBACK = {
  copy: {
    activity: media.copyPlayback,
    policy: mediaStep,
    summary: 'Copy into what browsers play',
    otherwise: ENCODE,
  },
  encode: ENCODE,
} as const;

const TRANSCRIBE = {
  activity: media.extractSpeech,
  policy: mediaStep,
  summary: 'Extract what is said',
  otherwise: { activity: transcribeSpeech, policy: transcribing, summary: 'Transcribe what is said' },
} as const;
const TRANSCRIPT = {
  transcribe: TRANSCRIBE,
  carry: {
    activity: carryTranscript,
    policy: recordStep,
    summary: 'Take over what is said in its parents',
    otherwise: TRANSCRIBE,
  },
} as const;

interface Job {
  activity: Pick<ActivityFunctionWithOptions<Activities['probeVideo']>, 'executeWithOptions'>;
  policy: ActivityOptions;
  summary: string;
  /** What is done when this hands the step back. */
  otherwise?: Job;
}

export type ProcessVideoResult = { outcome: 'done' | 'cancelled' };

/**
 * Takes one video from its source, stored or to be fetched, to ready: source and probe, then the others side by side:
 * pictures, what browsers play, sound and transcript. Source and probe decide `ready`; the others may lag or fail alone.
 * A run does only the steps it owns that are not recorded as done, so a retry and a Reset keep what is there.
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
    if (!progress.isTakenBack(error)) throw error;
    const settled = await CancellationScope.nonCancellable(() => settle(input));
    // Only a run that the engine was asked to cancel may close as Cancelled; a signal ends it well.
    if (!CancellationScope.current().consideredCancelled) return settled;
    return progress.stop();
  }
}

async function processSteps(input: ProcessVideoInput, progress: Progress): Promise<StepFailure[]> {
  const { wanted, fetchesSource } = await takeUp(input, progress);
  const jobs = fetchesSource ? { ...STEPS, source: FETCH } : STEPS;
  const work = (name: StepName) => {
    if (name === 'playback') return makePlayable(input, progress);
    if (name === 'transcript') return makeTranscript(input, progress);
    return workOn(input, { name, job: jobs[name] }, progress);
  };
  const core = wanted.filter(isCoreStep);
  // Side by side: the check is short, and without a source the probe fails as well. What is fetched comes first.
  for (const group of fetchesSource ? core.map((name) => [name]) : [core]) {
    const failure = (await inFull(group.map(work))).find((outcome) => outcome !== null);
    if (failure) return [failure];
  }
  showStage('pictures');
  const later = await inFull(wanted.filter((name) => !isCoreStep(name)).map(work));
  return later.filter((failure) => failure !== null);
}

/** Asks what the run has to do, and ends it when that is nothing any more. */
async function takeUp({ videoId, run }: ProcessVideoInput, progress: Progress) {
  const beginning = await beginRun({ videoId, run });
  if (beginning.outcome === 'cancelled') return progress.stop();
  const wanted = STEP_NAMES.filter((name) => beginning.steps.includes(name));
  return { wanted, fetchesSource: beginning.fetchesSource };
}

/** The probe may have ended this step already: only the record knows, and which way it takes. */
async function makePlayable(input: ProcessVideoInput, progress: Progress): Promise<StepFailure | null> {
  const { videoId, run } = input;
  const way = await choosePlayback({ videoId, run });
  return way === 'none' ? null : workOn(input, { name: 'playback', job: PLAYBACK[way] }, progress);
}

/** Words that are there already, in the videos that it was made of, are not bought again. */
async function makeTranscript(input: ProcessVideoInput, progress: Progress): Promise<StepFailure | null> {
  const { videoId, run } = input;
  const way = await chooseTranscript({ videoId, run });
  return way === 'none' ? null : workOn(input, { name: 'transcript', job: TRANSCRIPT[way] }, progress);
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
  { name, job }: { name: StepName; job: Job },
  progress: Progress,
): Promise<StepFailure | null> {
  const { videoId, userId, run, requestId } = input;
  let way = job;
  const priority = {
    priorityKey: isCoreStep(name) ? PRIORITY.newVideo : PRIORITY.laterStep,
    fairnessKey: userId,
  };
  const perform = ({ activity, policy, summary }: Job) =>
    activity.executeWithOptions({ ...policy, summary, priority }, [{ videoId, run, requestId }]);
  const failure = await repeatUntilSettled({
    attempt: async () => {
      progress.show(name, 'at work');
      let outcome = await perform(way);
      while (outcome === 'handed_back' && way.otherwise) {
        way = way.otherwise;
        outcome = await perform(way);
      }
      if (outcome === 'cancelled') progress.stop();
      progress.show(name, 'done');
    },
    onRetry: async (problem, nextAttemptAt) => {
      if (isBackToStart(problem)) way = job;
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

/**
 * What the last part of a step needs of an earlier one may be gone, or be made for another configuration. Runs before
 * this was so have it as another kind, and decided otherwise.
 */
const isBackToStart = ({ kind, code }: AttemptFailure): boolean =>
  kind === 'outside' && code === 'speech_missing';

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
