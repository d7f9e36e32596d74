/** The words and rules of a video's processing. Imports nothing of ours. */

export const VIDEO_STATUSES = [
  'awaiting_upload',
  'pending',
  'processing',
  'ready',
  'failed',
  'cancelled',
] as const;
export type VideoStatus = (typeof VIDEO_STATUSES)[number];

export const STEP_STATES = [
  'queued',
  'running',
  'waiting_retry',
  'succeeded',
  'skipped',
  'failed',
  'cancelled',
] as const;
export type StepState = (typeof STEP_STATES)[number];

/** States that a step leaves only by a retry. */
export const FINAL_STEP_STATES = [
  'succeeded',
  'skipped',
  'failed',
  'cancelled',
] as const satisfies StepState[];
/** States of a step that need no more work, whatever is retried. */
export const DONE_STEP_STATES = ['succeeded', 'skipped'] as const satisfies StepState[];

export const isFinalStep = (state: StepState): boolean =>
  (FINAL_STEP_STATES as readonly StepState[]).includes(state);
export const isDoneStep = (state: StepState): boolean =>
  (DONE_STEP_STATES as readonly StepState[]).includes(state);

/** In the order of work. `ready` needs the first two; the rest may lag or fail alone. */
export const STEP_NAMES = [
  'source',
  'probe',
  'thumbnail',
  'storyboard',
  'transcript',
  'audio',
  'playback',
] as const;
export type StepName = (typeof STEP_NAMES)[number];

export const CORE_STEPS = ['source', 'probe'] as const satisfies StepName[];
export const isCoreStep = (name: StepName): boolean => (CORE_STEPS as readonly StepName[]).includes(name);

/** The steps a caller may choose with `process`. */
export const OPTIONAL_STEPS = [
  'thumbnail',
  'storyboard',
  'transcript',
  'audio',
] as const satisfies StepName[];

/** Those of them that a video has when its caller chooses none; `audio` is made when somebody asks for it. */
export const DEFAULT_STEPS = ['thumbnail', 'storyboard', 'transcript'] as const satisfies StepName[];

/**
 * The steps of a new video: those that every one has, and what was asked for. `playback` ends as skipped where browsers
 * play the source as it is.
 */
export const stepsFor = (optional: readonly StepName[]): StepName[] => [
  ...CORE_STEPS,
  ...optional,
  'playback',
];

/**
 * `playback` is what browsers play where the source is not; `picture` one of a chosen time and size; `audio` the sound
 * alone, in one of several formats. `speech_audio` and `speech_index` are the sound as it is sent to be transcribed,
 * cut into chunks, and what says where each begins.
 */
export const ASSET_KINDS = [
  'thumbnail',
  'storyboard_image',
  'storyboard_index',
  'playback',
  'picture',
  'audio',
  'speech_audio',
  'speech_index',
] as const;
export type AssetKind = (typeof ASSET_KINDS)[number];

/** How much of the whole each step is, for the percentage of a video. */
const STEP_WEIGHTS: Record<StepName, number> = {
  source: 1,
  probe: 1,
  thumbnail: 2,
  storyboard: 6,
  transcript: 6,
  audio: 2,
  playback: 10,
};

export interface StepProgress {
  name: StepName;
  state: StepState;
  percent: number;
}

/** Percent (0–100, whole) of a video's processing from its steps; a final step counts in full. */
export function overallPercent(steps: readonly StepProgress[]): number {
  const total = steps.reduce((sum, step) => sum + STEP_WEIGHTS[step.name], 0);
  if (total === 0) return 0;
  const done = steps.reduce(
    (sum, step) => sum + STEP_WEIGHTS[step.name] * (isFinalStep(step.state) ? 100 : step.percent),
    0,
  );
  return Math.floor(done / total);
}

/** Seconds as `HH:MM:SS`, rounded to the nearest second; hours may exceed two digits. */
export function formatDuration(durationSec: number): string {
  const whole = Math.round(durationSec);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${pad(Math.floor(whole / 3600))}:${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
}
