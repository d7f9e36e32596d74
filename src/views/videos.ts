import { z } from 'zod';
import type { Asset } from '../db/entities/asset.ts';
import type { Edit } from '../db/entities/edit.ts';
import type { Step } from '../db/entities/step.ts';
import type { Target } from '../db/entities/target.ts';
import type { Video } from '../db/entities/video.ts';
import {
  type AssetKind,
  formatDuration,
  isFinalStep,
  overallPercent,
  STEP_NAMES,
  STEP_STATES,
  VIDEO_STATUSES,
} from '../domain/video.ts';

const instant = z.iso.datetime();

/** Turns a path of this API into an absolute address that works in a browser. */
export type SignPath = (path: string) => string;

export const failureSchema = z
  .strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() })
  .meta({ id: 'Failure', description: 'Why something failed: a stable code and a sentence to act on' });

export const videoSchema = z
  .strictObject({
    id: z.uuid(),
    user_id: z.string().nullable().meta({ description: "The end user in the caller's own system" }),
    external_id: z.string().nullable().meta({ description: "The caller's own id" }),
    title: z.string(),
    description: z.string().nullable(),
    tags: z.array(z.string()),
    filename: z.string().nullable(),
    status: z.enum(VIDEO_STATUSES),
    percent: z.int().min(0).max(100),
    error: failureSchema.nullable(),
    created_at: instant,
    ready_at: instant.nullable(),
    duration: z.string().nullable().meta({ example: '00:02:45' }),
    duration_sec: z.number().nullable(),
    size_bytes: z.int().nullable(),
    container: z.string().nullable(),
    width: z.int().nullable(),
    height: z.int().nullable(),
    fps: z.number().nullable(),
    rotation: z
      .int()
      .nullable()
      .meta({ description: 'Clockwise degrees; width and height are as displayed' }),
    video_codec: z.string().nullable(),
    audio_codec: z.string().nullable(),
    has_audio: z.boolean().nullable(),
    language: z.string().nullable(),
    transcript_status: z.enum(STEP_STATES).nullable(),
    parents: z.array(z.uuid()).meta({ description: 'The videos this one was made from' }),
    thumbnail_url: z
      .url()
      .nullable()
      .meta({ description: 'Works in a browser for an hour, as do the others' }),
    storyboard_url: z.url().nullable().meta({ description: 'A WebVTT index into a sheet of seek previews' }),
    stream_url: z.url().nullable(),
    download_url: z.url().nullable(),
  })
  .meta({ id: 'Video' });

export const stepSchema = z
  .strictObject({
    name: z.enum(STEP_NAMES),
    state: z.enum(STEP_STATES),
    attempt: z.int(),
    percent: z.int().min(0).max(100),
    error: failureSchema.nullable(),
    next_attempt_at: instant.nullable(),
    started_at: instant.nullable(),
    ended_at: instant.nullable(),
  })
  .meta({ id: 'Step' });

export const videoStatusSchema = z
  .strictObject({
    id: z.uuid(),
    status: z.enum(VIDEO_STATUSES),
    percent: z.int().min(0).max(100),
    step: z.enum(STEP_NAMES).nullable().meta({ description: 'What is being done now, or waits to be' }),
    error: failureSchema.nullable(),
  })
  .meta({ id: 'VideoStatus' });

const toTime = (time: Date | null | undefined): string | null => time?.toISOString() ?? null;

/** Gives why something failed, as its row has it; null when it did not. */
export function toFailure(
  row: Pick<Edit | Step | Target | Video, 'errorCode' | 'errorMessage' | 'errorRetryable'>,
) {
  if (!row.errorCode) return null;
  return { code: row.errorCode, message: row.errorMessage ?? '', retryable: row.errorRetryable ?? false };
}

/** Gives the steps in the order of work. */
export const stepsOf = (video: Video): Step[] =>
  [...video.steps].sort((a, b) => STEP_NAMES.indexOf(a.name) - STEP_NAMES.indexOf(b.name));

/** Gives the file of a kind that was made from a video, if it is there. */
export const assetOf = (video: Video, kind: AssetKind): Asset | undefined =>
  [...video.assets].find((asset) => asset.kind === kind);

/** What the probe found; null before it did. */
function toFacts(video: Video) {
  const durationSec = video.durationSec ?? null;
  return {
    duration: durationSec === null ? null : formatDuration(durationSec),
    duration_sec: durationSec,
    size_bytes: video.sizeBytes ?? null,
    container: video.container ?? null,
    width: video.width ?? null,
    height: video.height ?? null,
    fps: video.fps ?? null,
    rotation: video.rotation ?? null,
    video_codec: video.videoCodec ?? null,
    audio_codec: video.audioCodec ?? null,
    has_audio: video.hasAudio ?? null,
    language: video.language ?? null,
  };
}

/** @param sign null gives the view without addresses, as it is kept: a stored answer must not let anybody in */
export function toVideoView(video: Video, sign: SignPath | null): z.output<typeof videoSchema> {
  // Asked only where addresses are wanted: the view without them needs no files.
  const url = (file: string, isThere: () => boolean) =>
    sign && isThere() ? sign(`/v1/videos/${video.id}/${file}`) : null;
  return {
    id: video.id,
    user_id: video.userLabel ?? null,
    external_id: video.externalId ?? null,
    title: video.title,
    description: video.description ?? null,
    tags: video.tags,
    filename: video.filename ?? null,
    status: video.status,
    percent: overallPercent([...video.steps]),
    error: toFailure(video),
    created_at: video.createdAt.toISOString(),
    ready_at: toTime(video.readyAt),
    ...toFacts(video),
    transcript_status: stepsOf(video).find(({ name }) => name === 'transcript')?.state ?? null,
    parents: video.parents,
    thumbnail_url: url('thumbnail.jpg', () => assetOf(video, 'thumbnail') !== undefined),
    storyboard_url: url('storyboard.vtt', () => assetOf(video, 'storyboard_index') !== undefined),
    stream_url: url('stream', () => video.status === 'ready'),
    download_url: url('download', () => Boolean(video.sourceKey)),
  };
}

export const toStepView = (step: Step): z.output<typeof stepSchema> => ({
  name: step.name,
  state: step.state,
  attempt: step.attempt,
  percent: step.percent,
  error: toFailure(step),
  next_attempt_at: toTime(step.nextAttemptAt),
  started_at: toTime(step.startedAt),
  ended_at: toTime(step.endedAt),
});

export const toStepViews = (video: Video): z.output<typeof stepSchema>[] => stepsOf(video).map(toStepView);

export function toStatusView(video: Video): z.output<typeof videoStatusSchema> {
  const steps = stepsOf(video);
  const current =
    steps.find((step) => step.state === 'running') ?? steps.find((step) => !isFinalStep(step.state));
  return {
    id: video.id,
    status: video.status,
    percent: overallPercent(steps),
    step: current?.name ?? null,
    error: toFailure(video),
  };
}
